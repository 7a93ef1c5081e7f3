import ChannelsHTTP
import HTTPCore
import Testing

@Suite("openapi.yaml and the server say the same")
struct ContractTests {
    @Test("Each route is described, and each described route is served")
    func routes() {
        let served = Set(ChannelsApplication.routeTable.map { "\($0.method.rawValue) \($0.path)" })
        #expect(served == Set(Contract.shared.operations.keys))
        #expect(served.count == ChannelsApplication.routeTable.count)
    }

    @Test("Each described operation answers other than 404 and 405", arguments: ChannelsApplication.routeTable)
    func operationsAreServed(method: HTTPMethod, path: String) async {
        let api = await APIDriver()
        let target = path.replacing("{layer}", with: "jobs").replacing("{channel}", with: "a").replacing(
            "{group}", with: "g")
        let answer = await api.request(method.rawValue, target)
        #expect(answer.status != 404 && answer.status != 405)
    }

    @Test("The paths of a layer are those of the default layer, with the layer before them")
    func layers() {
        let contract = Contract.shared
        for (path, item) in contract.paths where path.hasPrefix("/layers/{layer}") {
            let plain = contract.paths[String(path.dropFirst("/layers/{layer}".count))]
            for (method, operation) in item.object ?? [:] where method != "parameters" {
                var layered = operation.object ?? [:]
                var expected = plain?[method]?.object ?? [:]
                let id = layered.removeValue(forKey: "operationId")?.string
                #expect(id == (expected.removeValue(forKey: "operationId")?.string ?? "") + "OfLayer")
                #expect(layered == expected)
            }
            let parameters = item["parameters"]?.array ?? []
            #expect(parameters.first?["$ref"] == "#/components/parameters/Layer")
            #expect(Array(parameters.dropFirst()) == plain?["parameters"]?.array ?? [])
        }
    }

    @Test("Operations have names of their own")
    func operationNames() {
        let names = Contract.shared.operations.values.compactMap { $0["operationId"]?.string }
        #expect(Set(names).count == names.count && names.count == Contract.shared.operations.count)
    }

    @Test(
        "Each type of problem is listed, and has an example with its title and status", arguments: ProblemType.allCases)
    func problemTypes(type: ProblemType) {
        let components = Contract.shared.root["components"]
        let listed = components?["schemas"]?["Problem"]?["properties"]?["type"]?["enum"]?.array ?? []
        #expect(listed.contains(.string("/problems/\(type.rawValue)")) && listed.count == ProblemType.allCases.count)
        let example = components?["examples"]?[type.rawValue]?["value"]
        #expect(example?["status"] == .integer(type.status) && example?["title"] == .string(type.title))
    }

    @Test("Each type of problem is among the examples of an answer with its status", arguments: ProblemType.allCases)
    func problemTypesInAnswers(type: ProblemType) {
        let checker = SchemaChecker(root: Contract.shared.root)
        let reference = Tree.string("#/components/examples/\(type.rawValue)")
        for (name, operation) in Contract.shared.operations {
            for (status, response) in operation["responses"]?.object ?? [:] {
                let resolved = checker.resolve(response["$ref"]?.string ?? "")
                let examples = resolved["content"]?["application/problem+json"]?["examples"]?.object ?? [:]
                guard examples[type.rawValue]?["$ref"] == reference else { continue }
                let fits = status == "\(type.status)" || status == "\(type.status / 100)XX"
                #expect(fits, "\(name): \(type.rawValue) stands at \(status)")
            }
        }
    }

    @Test("All references lead somewhere, and all examples conform to their schemas")
    func examples() {
        let checker = SchemaChecker(root: Contract.shared.root)
        func walk(_ tree: Tree, at path: String) {
            for (position, element) in (tree.array ?? []).enumerated() { walk(element, at: "\(path)[\(position)]") }
            guard let members = tree.object else { return }
            if let reference = members["$ref"]?.string { _ = checker.resolve(reference) }
            if let schema = members["schema"] {
                var examples = (members["examples"]?.object ?? [:]).values.map { example in
                    (example["$ref"]?.string.map(checker.resolve) ?? example)["value"] ?? .null
                }
                if let example = members["example"] { examples.append(example) }
                for example in examples {
                    let violations = checker.violations(of: schema, in: example, at: path)
                    #expect(violations.isEmpty)
                }
            }
            for (name, member) in members { walk(member, at: "\(path).\(name)") }
        }
        walk(Contract.shared.root, at: "$")
    }

    @Test("The checker itself sees what does not conform")
    func checkerSees() throws {
        let checker = SchemaChecker(root: Contract.shared.root)
        let schema: Tree = .object(["$ref": "#/components/schemas/SendReceipt"])
        let id: Tree = "0193a5b6c7d-000000000001"
        func violations(_ members: [String: Tree]) -> Int { checker.violations(of: schema, in: .object(members)).count }
        #expect(violations(["id": id, "pending": 1, "capacity": .null]) == 0)
        #expect(violations(["id": id, "pending": 1]) == 1)
        #expect(violations(["id": id, "pending": -1, "capacity": 1]) == 1)
        #expect(violations(["id": "x", "pending": 1, "capacity": "1"]) == 2)
        #expect(violations(["id": id, "pending": 1, "capacity": 1, "more": 1]) == 1)
        #expect(violations(["id": id, "pending": .number(1.5), "capacity": 1]) == 1)
        #expect(violations(["id": .null, "pending": 1, "capacity": 1]) == 1)
    }

    @Test("The id of a group send may be null, alone and in a batch; it may not be left out")
    func groupSendWithoutID() {
        let checker = SchemaChecker(root: Contract.shared.root)
        for (schema, own) in [("GroupSendReceipt", [:]), ("BatchResult", ["status": Tree.integer(202)])] {
            func isValid(_ members: [String: Tree]) -> Bool {
                checker.violations(
                    of: .object(["$ref": .string("#/components/schemas/\(schema)")]),
                    in: .object(members.merging(own) { $1 })
                ).isEmpty
            }
            #expect(isValid(["id": .null, "members": 3]))
            #expect(isValid(["id": "0193a5b6c7d-000000000001", "members": .null]))
            #expect(!isValid(["members": 3]))
            #expect(!isValid(["id": 1, "members": 3]))
        }
    }

    @Test("The contract is served as it stands in the project")
    func served() async {
        let api = await APIDriver()
        let answer = await api.request("GET", "/openapi.yaml")
        #expect(answer.status == 200 && answer["Content-Type"] == "application/yaml")
        #expect(answer.text == Contract.shared.text)
    }
}
