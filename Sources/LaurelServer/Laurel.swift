import ArgumentParser
public import Channels

/// The program `laurel`: the server, and the client commands that talk to one.
///
/// A laurel of one's own is the same program with further backends. All of its `main.swift`:
///
/// ```swift
/// import Channels
/// import FolderBackend
/// import LaurelServer
///
/// await Laurel.main { backends in
///     backends.register("folder") { context in
///         try FolderBackend(context)
///     }
/// }
/// ```
public enum Laurel {
    /// The version of Laurel, which `--version`, `GET /` and the client commands' `User-Agent` tell.
    public static let version = "0.1.0"

    /// Does what the command line says: `serve`, `send`, `receive`, …
    ///
    /// Suspends until that is done; a server is done when it has drained after SIGTERM or SIGINT. Ends the process instead where
    /// there is an error to tell, or help: with exit code 64 for a command line or a setting that cannot be used, else as each
    /// command says. Help, usage and errors call the program by the name under which it was started.
    ///
    /// - Parameter register: Adds backends to those that are built in (`memory`, `sqlite`), or puts others in their place.
    ///   Called once, before anything else.
    public static func main(
        registering register: @Sendable (_ backends: inout BackendRegistry) -> Void = { _ in }
    ) async {
        var program = Program.bare
        register(&program.backends)
        await Program.$current.withValue(program) { await LaurelCommand.main() }
    }
}
