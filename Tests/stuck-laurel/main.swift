import Channels
import LaurelServer

await Laurel.main { backends in
    backends.register("stuck") { context in
        StuckBackend(neverBlocks: context.url.location == "on-loops")
    }
}
