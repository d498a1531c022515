import Foundation
import Testing

extension SystemTests {
    /// What the offline commands write: JSON, `.npy` and safetensors that other tools read.
    @Suite struct ArtefactTests {
        @Test func `evaluate prints JSON alone, for every representation`() async throws {
            let state = try await HalfRun.state()
            for option in [[], ["--untrained"], ["--pixels"]] {
                let program = try RunningProgram(["evaluate", state, "--json"] + option)
                #expect(try await program.exitCode(within: 60) == 0, "\(program.errors)")
                let report = try SmallFiles.object(program.output)
                #expect(Set(report.keys) == ["knn", "linear"])
                let knn = report["knn"] as? [String: Double] ?? [:]
                let linear = report["linear"] as? [String: Double] ?? [:]
                #expect(knn.keys.contains("embedding_top1") == (option != ["--pixels"]))
                for accuracy in [knn["top1"], linear["top1"]] {
                    // Squares at ten places are easy; chance is 0.1.
                    #expect((0.5...1).contains(accuracy ?? -1), "\(option) \(program.output)")
                }
            }
        }

        @Test func `evaluate measures what it is asked for`() async throws {
            let state = try await HalfRun.state()
            let knn = try await pleiad("evaluate", state, "--knn", "--json")
            #expect(Set(try knn.object().keys) == ["knn"])
            let linear = try await pleiad("evaluate", state, "--linear", "--json")
            #expect(Set(try linear.object().keys) == ["linear"])
            let searched = try await pleiad("evaluate", state, "--search", "--json")
            #expect(searched.code == 0, "\(searched.errors)")
            let search = try searched.object()["linear_search"] as? [String: Double] ?? [:]
            #expect(Set(search.keys) == ["top1", "weight", "held_out_top1"])
            #expect((0.5...1).contains(search["top1"] ?? -1))
            // Eleven at least: near an end of the range there are fewer to try.
            #expect((12...16).contains(searched.errors.split(separator: "held out").count))
            let retrieved = try await pleiad("evaluate", state, "--retrieval", "--json")
            #expect(Set(try retrieved.object().keys) == ["retrieval"])
            let recalls = try retrieved.object()["retrieval"] as? [String: Double] ?? [:]
            let depths = ["recall1", "recall5", "recall10"]
            #expect(Set(recalls.keys) == Set(depths + depths.map { "embedding_" + $0 }))
            // Squares at ten places are easy; more neighbours can only help.
            let found = depths.map { recalls[$0] ?? -1 }
            #expect(found[0] > 0.5 && found == found.sorted() && found[2] <= 1, "\(recalls)")
            let shown = try await pleiad("evaluate", state, "--knn")
            #expect(shown.output.contains("kNN") && shown.output.contains("%"))
        }

        @Test func `embed writes a file of NumPy`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let all = scratch.appending("all.npy")
            #expect(try await pleiad("embed", state, "--out", all).code == 0)
            try expectNPY(all, [SmallData.trainCount, 32])
            let heads = scratch.appending("heads.npy")
            #expect(try await pleiad("embed", state, "--out", heads, "--head", "--test").code == 0)
            try expectNPY(heads, [SmallData.testCount, 32])
        }

        @Test func `cluster takes pixels, a file of features, or a checkpoint`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let data = try SmallData.write(to: scratch)
            let features = scratch.appending("features.npy")
            #expect(try await pleiad("embed", state, "--out", features).code == 0)
            for (source, dim) in [
                (["--data", data], 784), (["--features", features], 32),
                (["--checkpoint", state], 32),
            ] {
                let out = scratch.appending("labels.safetensors")
                let program = try RunningProgram(
                    [
                        "cluster", "--centers", "20", "--iterations", "3", "--labels", "4",
                        "--out", out,
                    ] + source)
                #expect(try await program.exitCode(within: 60) == 0, "\(program.errors)")
                let arrays = try safetensorsShapes(out)
                #expect(arrays["centers"] == [20, dim])
                #expect(arrays["labels"] == [SmallData.trainCount, 4])
            }
        }

        @Test func `a run goes on from clusters of its own features`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let features = scratch.appending("features.npy")
            #expect(try await pleiad("embed", state, "--out", features).code == 0)
            let text = SmallRun.text(data: try SmallData.write(to: scratch), steps: 5)
                .replacingOccurrences(
                    of: "{pooling: 4, iterations: 2}",
                    with: "{features: file, path: \(features), iterations: 2}")
            let ended = try await pleiad(
                "train", try scratch.write("run.yaml", text), "--state",
                scratch.appending("next"))
            #expect(ended.code == 0, "\(ended.errors)")
        }

        @Test(arguments: ["no-such.npy", "damaged.npy", "short.npy", "text.safetensors"])
        func `features that cannot be read are refused by name`(name: String) async throws {
            let scratch = try ScratchDirectory()
            let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (9, 4), }"
            let padded = header + String(repeating: " ", count: 117 - header.count) + "\n"
            let npy = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(padded.utf8)
            let files: [String: [UInt8]] = [
                "damaged.npy": [0x93] + Array("NUMPX".utf8) + npy.dropFirst(6),
                "short.npy": npy + [UInt8](repeating: 0, count: 100),
                "text.safetensors": Array("these are no features".utf8),
            ]
            if let content = files[name] { _ = try scratch.write(name, content) }
            let path = scratch.appending(name)
            let ended = try await pleiad(
                "cluster", "--centers", "4", "--out", scratch.appending("out"), "--features", path)
            #expect(ended.code == 2)
            #expect(ended.errors.contains(path), "\(ended.errors)")
        }

        @Test func `the checkpoint's model holds parameters by their names in timm`() async throws {
            let state = try await HalfRun.state()
            let arrays = try safetensorsShapes(
                state + "/checkpoints/step-\(HalfRun.steps)/model.safetensors")
            #expect(arrays.keys.contains { $0.hasSuffix("blocks.0.attn.qkv.weight") })
            #expect(arrays.keys.contains { $0.hasSuffix("patch_embed.proj.weight") })
        }

        /// Checks magic, version, header and size by the bytes (NumPy's format, version 1.0).
        private func expectNPY(_ path: String, _ dims: [Int]) throws {
            let file = try SmallFiles.bytes(of: path)
            #expect(Array(file.prefix(8)) == [0x93] + Array("NUMPY".utf8) + [1, 0])
            let headerCount = Int(file[8]) | Int(file[9]) << 8
            #expect((10 + headerCount) % 64 == 0)
            let header = String(decoding: file[10..<(10 + headerCount)], as: UTF8.self)
            #expect(header.contains("'descr': '<f4'") && header.contains("'fortran_order': False"))
            #expect(header.contains("'shape': (\(dims[0]), \(dims[1]))"))
            #expect(header.hasSuffix("\n"))
            #expect(file.count == 10 + headerCount + 4 * dims[0] * dims[1])
        }

        /// Shapes by name, from the header of a safetensors file, whose offsets must be in it.
        private func safetensorsShapes(_ path: String) throws -> [String: [Int]] {
            let file = try SmallFiles.bytes(of: path)
            let headerCount = (0..<8).reduce(0) { $0 | Int(file[$1]) << (8 * $1) }
            let header = try SmallFiles.object(
                String(decoding: file[8..<(8 + headerCount)], as: UTF8.self))
            var shapes: [String: [Int]] = [:]
            for (name, value) in header where name != "__metadata__" {
                let entry = value as? [String: Any] ?? [:]
                let offsets = entry["data_offsets"] as? [Int] ?? []
                #expect(offsets.count == 2 && offsets[1] <= file.count - 8 - headerCount)
                shapes[name] = entry["shape"] as? [Int]
            }
            return shapes
        }
    }
}
