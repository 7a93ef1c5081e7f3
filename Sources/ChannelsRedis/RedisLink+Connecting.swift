import Reactor

/// Rounds: in each, the server is located, and its addresses are tried in turn until a connection is ready, or none is left. Then a
/// pause, twice as long as the one before.
extension RedisLink {
    /// - Parameter known: where the server is, if somebody has just said so.
    func beginRound(at known: RedisEndpoint? = nil) {
        guard phase == .started else { return }
        if let known { return tryEndpoint(known) }
        locator.locate { [self] result in
            guard phase == .started else { return }
            switch result {
            case .success(let endpoint): tryEndpoint(endpoint)
            case .failure(let failure):
                endpoint = nil
                roundFailed(failure.text)
            }
        }
    }

    private func tryEndpoint(_ endpoint: RedisEndpoint) {
        self.endpoint = endpoint
        switch endpoint.place {
        case .unix(let path):
            guard let address = SocketAddress(unixPath: path) else { return roundFailed("that is no path of a socket") }
            tryAddresses([address])
        case .host(let host, let port):
            if let address = SocketAddress(host: host, port: port) { return tryAddresses([address]) }
            AddressLookup.start(host, port: port, on: loop) { [self] result in
                guard phase == .started else { return }
                switch result {
                case .success(let addresses): tryAddresses(addresses)
                case .failure(let failure): roundFailed("the name leads nowhere: \(failure.text)")
                }
            }
        }
    }

    private func tryAddresses(_ addresses: [SocketAddress]) {
        addressesLeft = addresses
        var reason = ""
        while !addressesLeft.isEmpty {
            let address = addressesLeft.removeFirst()
            do {
                connection = try RedisConnection(to: address, greeting: greeting, for: self)
                return
            } catch {
                reason = error.text
            }
        }
        roundFailed(reason)
    }

    private func roundFailed(_ reason: String, isShutOut: Bool = false) {
        addressesLeft = []
        lastReason = reason
        self.isShutOut = isShutOut
        // Before the word goes out: whoever hears it may close the link.
        scheduleRound()
        events.onLost(describe(reason))
        if isShutOut { refuseWaiting() }
    }

    private func scheduleRound() {
        // So that many servers, and many links of each, do not come back at the same moment.
        let delay = delay(afterFailures: failuresInARow) * Double.random(in: 0.5...1.5)
        failuresInARow += 1
        retryTimer = loop.schedule(at: loop.now + delay) { [self] in
            retryTimer = nil
            beginRound()
        }
    }

    private func delay(afterFailures count: Int) -> Duration {
        min(limits.delayMax, limits.delayMin * (1 << min(count, 16)))
    }

    // MARK: Moves

    /// What is asked for is elsewhere: the connection is given up when what was begun on it is answered, and what waits is run
    /// on the next one.
    ///
    /// - Parameter endpoint: where it is, if that was said.
    func move(to endpoint: RedisEndpoint?, because reason: String) {
        guard let connection, connection.isReady, !connection.isLeaving else { return }
        movedTo = endpoint
        connection.leave(because: reason)
    }

    private func beginRoundAfterMove() {
        let destination = movedTo.take()
        let now = loop.now
        defer { movedAt = now }
        // Two servers of which each says that it is the other one must not keep us busy.
        if let movedAt, now < movedAt + limits.moveInterval { return scheduleRound() }
        beginRound(at: destination)
    }

    // MARK: Events of the connection

    func connectionIsReady(_ connection: RedisConnection) {
        addressesLeft = []
        failuresInARow = 0
        isShutOut = false
        if greeting.subscribes { listen(to: connection, until: connection.heardAt + limits.silenceTime) }
        events.onReady(name)
        send()
    }

    func connectionHeard(channel: [UInt8], _ payload: [UInt8]) {
        events.onMessage(channel, payload)
    }

    func connectionEnded(
        _ ended: RedisConnection, _ reason: String, wasReady: Bool, isRefusal: Bool, lost: [CommandTicket]
    ) {
        connection = nil
        silenceTimer.take()?.cancel()
        let redirection = isRefusal ? endpoint.flatMap { Redirection(reason, from: $0) } : nil
        let reason = redirection == nil || locator.followsRedirections ? reason : Redirection.unexpected
        let text = describe(reason)
        if phase == .started {
            lastReason = reason
            if let redirection, locator.followsRedirections {
                movedTo = redirection.endpoint
                beginRoundAfterMove()
            } else if ended.isLeaving {
                beginRoundAfterMove()
            } else if !wasReady, !isRefusal, !addressesLeft.isEmpty {
                tryAddresses(addressesLeft)
            } else {
                roundFailed(reason, isShutOut: isRefusal && Greeting.lasts(reason))
            }
        }
        for ticket in lost { finish(ticket, .failure(.outcomeUnknown(text))) }
    }

    // MARK: Silence

    /// A subscriber that hears nothing cannot know whether there is nothing to hear, or nobody there any more.
    private func listen(to connection: RedisConnection, until instant: ContinuousClock.Instant) {
        silenceTimer = loop.schedule(at: instant) { [self] in
            let askAt = connection.heardAt + limits.silenceTime
            guard askAt <= loop.now else { return listen(to: connection, until: askAt) }
            connection.ping()
            waitForSign(of: connection, since: loop.now)
        }
    }

    private func waitForSign(of connection: RedisConnection, since asked: ContinuousClock.Instant) {
        let end = asked + limits.signOfLifeTime
        silenceTimer = loop.schedule(at: min(end, loop.now + limits.silenceTime)) { [self] in
            // A loop that was held up hears of its timers first.
            if connection.heardAt <= asked { connection.lookAgain() }
            guard connection === self.connection else { return }
            if connection.heardAt > asked {
                listen(to: connection, until: connection.heardAt + limits.silenceTime)
            } else if loop.now < end {
                waitForSign(of: connection, since: asked)
            } else {
                connection.end("no sign of life within \(limits.signOfLifeTime)")
            }
        }
    }
}
