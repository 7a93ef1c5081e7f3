import CLinux
import CProbe
import Foundation

/// Prints what the parts of a request cost, each on its own: time, allocations and instructions, so that a change shows
/// at once where it costs.
///
///     make bench-micro
///
/// ## How it works
/// Each ``Operation`` is done a thousand times in a row: by this process for its time and its allocations
/// (``Stopwatch``), and by another one under Callgrind for its instructions (``InstructionCounter``). Time moves by
/// some per cent with the machine and its neighbours; the other two do not, and so tell of smaller changes than that.
@main
struct MicroBenchmark {
    /// All of it takes ten seconds; what hangs is ended by a signal.
    private static let secondsMax: UInt32 = 110

    static func main() throws {
        alarm(secondsMax)
        // As the server has it: see its Allocator.
        mallopt(M_MXFAST, 0)
        precondition(countsAllocations, "The allocator that counts is not the one that is used")
        if CommandLine.arguments.dropFirst().first == InstructionCounter.argument {
            return InstructionCounter.perform(Operation.all)
        }
        let operations = Operation.all
        let samples = Stopwatch.measure(operations)
        let instructions = try InstructionCounter.count(operations)
        var table = Table(header: ["operation", "ns", "allocations", "instructions"])
        for (index, operation) in operations.enumerated() {
            table.add([
                operation.name, Table.decimal(samples[index].nanoseconds, places: 0),
                Table.decimal(samples[index].allocations, places: 2), Table.decimal(instructions[index], places: 0),
            ])
        }
        print(table.text)
        print("\nBy function: callgrind_annotate --threshold=100 \(InstructionCounter.folder)/… | swift demangle")
    }

    /// Zero would look like success, if the C library's allocator were asked directly.
    private static var countsAllocations: Bool {
        // The first array of its kind makes more than itself.
        keep([UInt8](repeating: 0, count: 100))
        let before = probe_allocations()
        keep([UInt8](repeating: 0, count: 100))
        return probe_allocations() == before + 1
    }
}
