"""Loads channels_redis from one process, and prints how it went:

    channels_redis_load.py PORT SECONDS WORK MEMBERS
    37037 12345.6 67.8 12.3 channels_redis-4.3.0
        operations; operations a second; microseconds of this process for each, user and system; what was measured

64 tasks work, as many as Laurel is given connections. WORK is
    pairs                a send to a channel of the task's own, then a receive from it; each counts
    group-send-apart     sends to one group whose members have a queue each, as consumers of as many processes have
    group-send-together  the same, the members consumers of this process: channels_redis writes one copy for all of them
    deliver-apart        a send to a group of the task's own, then a receive for each of its members; receives count
    deliver-together     the same with consumers of this process

Redis is emptied before it and after it. Nothing is refused for want of room, or expires.
"""

import asyncio
import os
import sys
import time
from importlib.metadata import version

from channels_redis.core import RedisChannelLayer

TASKS = 64
MESSAGE = {"text": "hello, this is a message of fifty-four bytes"}


async def join(layer, group, count, together):
    """Makes members of a group; returns their names."""
    names = [await layer.new_channel() if together else f"{group}-{member}" for member in range(count)]
    for name in names:
        await layer.group_add(group, name)
    return names


async def make_steps(layer, work, members):
    """For each task what it does in turn, again and again: whether that counts, a method, and what it is called with."""
    if work == "pairs":
        return [
            [(True, layer.send, (f"c{task}", MESSAGE)), (True, layer.receive, (f"c{task}",))] for task in range(TASKS)
        ]
    together = work.endswith("together")
    if work.startswith("group-send"):
        await join(layer, "g", members, together)
        return [[(True, layer.group_send, ("g", MESSAGE))]] * TASKS
    steps = []
    for task in range(TASKS):
        names = await join(layer, f"g{task}", members, together)
        send = (False, layer.group_send, (f"g{task}", MESSAGE))
        steps.append([send] + [(True, layer.receive, (name,)) for name in names])
    return steps


async def run(steps, end):
    count = 0
    while True:
        for counts, method, arguments in steps:
            if time.monotonic() >= end:
                return count
            await method(*arguments)
            count += counts


async def main(port, seconds, work, members):
    # A task holds up to two connections at once: more in all than its client has by default.
    host = {"address": f"redis://127.0.0.1:{port}", "max_connections": 4 * TASKS}
    layer = RedisChannelLayer(hosts=[host], capacity=100_000_000, expiry=6000)
    await layer.connection(0).flushall()
    steps = await make_steps(layer, work, members)
    before, begin = os.times(), time.monotonic()
    counts = await asyncio.gather(*(run(each, begin + seconds) for each in steps))
    after, duration = os.times(), time.monotonic() - begin
    count = sum(counts)
    user, system = ((now - then) * 1e6 / count for now, then in zip(after[:2], before[:2]))
    await layer.connection(0).flushall()
    await layer.close_pools()
    print(count, count / duration, user, system, "channels_redis-" + version("channels_redis"))


asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
