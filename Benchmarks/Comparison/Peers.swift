import Foundation

/// The servers that are measured, each as its documentation sets it up for speed, with one process that does the work.
enum Peers {
    /// Capacity and expiry such that no send is refused, and limits on as by default.
    static func laurel(loops: Int = 1) throws -> ServerProcess {
        try laurel(loops == 1 ? "Laurel" : "Laurel, \(loops) loops", loops: loops) { _ in [] }
    }

    /// The same on a new file, in the folder where the benchmark was started: what is for temporary files is often memory.
    static func laurelOnFile(_ parameters: String) throws -> ServerProcess {
        try laurel("Laurel, sqlite", loops: 1, in: Disk.makeFolder()) { directory in
            ["--backend", "sqlite:\(directory.path())layer.db?\(parameters)"]
        }
    }

    /// The same on a Redis of its own.
    static func laurelOnRedis() throws -> ServerProcess {
        let redis = try redis()
        return try laurel("Laurel, redis", loops: 1, behind: redis) { _ in
            ["--backend", "redis://127.0.0.1:\(redis.port)"]
        }
    }

    private static func laurel(
        _ name: String, loops: Int, in directory: URL? = nil, behind: ServerProcess? = nil, options: (URL) -> [String]
    ) throws -> ServerProcess {
        let path = FileManager.default.currentDirectoryPath + "/.build/release/laurel"
        return try ServerProcess(name, executable: path, in: directory, behind: behind) { port, directory in
            [
                "serve", "--bind", "127.0.0.1:\(port)", "--loops", "\(loops)", "--capacity", "100000000",
                "--memory-limit", "12GiB", "--expiry", "6000",
            ] + options(directory)
        }
    }

    /// `return 200`: the least that nginx does for a request.
    static func nginx(workers: Int = 1) throws -> ServerProcess {
        let name = workers == 1 ? "nginx return 200" : "nginx, \(workers) workers"
        return try nginx(name, workers: workers, location: #"location / { return 200 "ok"; }"#)
    }

    static func nchan() throws -> ServerProcess {
        try nginx(
            "nchan", modules: "load_module /usr/lib/nginx/modules/ngx_nchan_module.so;",
            location: """
                location ~ ^/pub/(\\w+)$ {
                    nchan_publisher; nchan_channel_id $1; nchan_message_buffer_length 10; nchan_message_timeout 5s;
                }
                location ~ ^/sub/(\\w+)$ {
                    nchan_subscriber longpoll; nchan_channel_id $1; nchan_subscriber_first_message newest;
                }
                """)
    }

    private static func nginx(
        _ name: String, workers: Int = 1, modules: String = "", location: String
    ) throws -> ServerProcess {
        try ServerProcess(name, executable: "nginx") { port, directory in
            let configuration = """
                \(modules)
                worker_processes \(workers); daemon off; master_process \(workers == 1 ? "off" : "on");
                pid nginx.pid; worker_rlimit_nofile 20000;
                events { worker_connections 16384; }
                http {
                    access_log off; keepalive_requests 1000000000; keepalive_timeout 300s;
                    client_body_temp_path body;
                    server { listen 127.0.0.1:\(port) backlog=4096\(workers == 1 ? "" : " reuseport"); \(location) }
                }
                """
            let file = directory.appending(path: "nginx.conf")
            try configuration.write(to: file, atomically: true, encoding: .utf8)
            return ["-p", directory.path(), "-c", file.path(), "-e", "stderr"]
        }
    }

    static func redis() throws -> ServerProcess {
        try ServerProcess("Redis", executable: "redis-server") { port, directory in
            ["--port", "\(port)", "--save", "", "--appendonly", "no", "--dir", directory.path()]
        }
    }

    /// On a Redis of its own.
    static func webdis() throws -> ServerProcess {
        let redis = try redis()
        return try ServerProcess("webdis", executable: "webdis", behind: redis) { port, directory in
            let configuration = """
                {"redis_host": "127.0.0.1", "redis_port": \(redis.port), "http_host": "127.0.0.1", "http_port": \(port),
                 "threads": 1, "pool_size": 20, "daemonize": false, "verbosity": 0, "logfile": "/dev/null",
                 "http_max_request_size": 1048576}
                """
            let file = directory.appending(path: "webdis.json")
            try configuration.write(to: file, atomically: true, encoding: .utf8)
            return [file.path()]
        }
    }
}
