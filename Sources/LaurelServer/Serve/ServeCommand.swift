import ArgumentParser
import CLinux
import Channels
import Foundation

/// `laurel serve`
struct ServeCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "serve",
            abstract: "Run the server.",
            discussion: """
                Every option is also an environment variable (LAUREL_BIND, LAUREL_MAX_WAIT, …; commas part the values of a \
                repeatable one) and a key of the config file ("bind", "max-wait", …; a list for a repeatable one). The command \
                line wins over the environment, the environment over the file.

                Backends, by the scheme of their URL: \(Program.current.backends.schemeList).

                SIGTERM or SIGINT ends it: receivers in wait are told to come back, requests in flight are answered. A second one \
                ends it at once.
                """)
    }

    @OptionGroup var options: ServeOptions

    func run() async throws {
        OpenFiles.raiseLimit()
        Allocator.joinFreeMemoryAtOnce()
        // A client that hangs up is a result of a write, not a signal.
        signal(SIGPIPE, SIG_IGN)
        // A file that may not grow any more is a result of a write, too.
        signal(SIGXFSZ, SIG_IGN)
        let settings: ServeSettings
        do {
            let sources = try SettingSources.reader(
                commandLine: options.given, environment: ProcessInfo.processInfo.environment, configPath: options.config
            )
            settings = try ServeSettings(SettingReader(sources: sources))
        } catch let error as SettingError {
            StandardError.tell(error)
            throw ExitCode.validationFailure
        }
        do {
            try await RunningServer(settings).run()
        } catch {
            StandardError.tell(error)
            throw ExitCode.failure
        }
    }
}

/// The C library's allocator.
enum Allocator {
    /// Has small free chunks joined when they are freed, and not all together at some later moment: after 300,000 messages had
    /// gone, everybody waited 25 ms for that. Each thread still keeps a few of its own to use again.
    static func joinFreeMemoryAtOnce() {
        mallopt(M_MXFAST, 0)
    }
}

/// How many files, sockets among them, the process may have open.
enum OpenFiles {
    /// Takes what the system grants: the soft limit guards programs that use `select`, which this is not.
    static func raiseLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        // Where it is refused, the server lives with the limit that it has.
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
