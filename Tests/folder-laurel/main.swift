import Channels
import FolderBackend
import LaurelServer

await Laurel.main { backends in
    backends.register("folder") { context in
        try FolderBackend(context)
    }
}
