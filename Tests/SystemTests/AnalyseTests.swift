import Foundation
import FoundationXML
import Testing

extension SystemTests {
    /// `pleiad analyse` on runs that were trained here, and sweeps of runs that are analysed.
    @Suite struct AnalyseTests {
        /// Instance discrimination of a few steps on the small data.
        private static func contrastive(data: String, steps: Int = 60) -> String {
            """
            method: contrastive
            seed: 5
            steps: \(steps)
            data: {path: \(data)}
            batch: {samples: 48, slices: 4, dropLast: false}
            network: {kind: conv, widths: [8, 16]}
            views: {area: [0.5, 1], brightness: 0.4, contrast: 0.4}
            optimizer: {kind: sgd, learningRate: 0.05}
            schedule: {kind: constant}
            contrastive: {dim: 16, temperature: 0.3, hardest: 64}
            """
        }

        @Test func `figures are those of the test images' embeddings`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let ended = try await pleiad("analyse", state, "--json")
            #expect(ended.code == 0, "\(ended.errors)")
            let analysis = try ended.object()
            #expect(analysis["step"] as? Int == HalfRun.steps)
            #expect(analysis["method"] as? String == "mlcd")
            #expect(analysis["count"] as? Int == SmallData.testCount)
            let f = try await Self.testEmbeddings(of: state, in: scratch)
            #expect(f.count == SmallData.testCount)
            var (potential, pairs, same, samePairs) = (0.0, 0.0, 0.0, 0.0)
            for i in f.indices {
                for j in f.indices where j > i {
                    let dot = zip(f[i], f[j]).reduce(0) { $0 + $1.0 * $1.1 }
                    potential += exp(-2 * (2 - 2 * dot))
                    pairs += 1
                    guard i % 10 == j % 10 else { continue }
                    same += dot
                    samePairs += 1
                }
            }
            let uniformity = try #require(analysis["uniformity"] as? Double)
            #expect(abs(uniformity + log(potential / pairs)) < 1e-4)
            let tolerance = try #require(analysis["tolerance"] as? Double)
            #expect(abs(tolerance - same / samePairs) < 1e-4)
            #expect(analysis["alignment"] as? Double ?? 0 > 0)
            let evaluated = try await pleiad("evaluate", state, "--json").object()
            let knn = evaluated["knn"] as? [String: Double]
            #expect(analysis["knn"] as? Double == knn?["embedding_top1"])
            #expect(analysis["knn_features"] as? Double == knn?["top1"])
            #expect(
                analysis["linear"] as? Double
                    == (evaluated["linear"] as? [String: Double])?["top1"])
            let histograms = try #require(analysis["histograms"] as? [String: Any])
            func total(_ name: String) -> Int {
                (histograms[name] as? [Int] ?? []).reduce(0, +)
            }
            #expect(total("positives") == SmallData.testCount)
            #expect(total("same_class") == Int(samePairs))
            #expect(total("same_class") + total("other_class") == Int(pairs))
            let penalties = analysis["penalties"] as? [[String: Any]] ?? []
            let entropies = penalties.compactMap { $0["entropy"] as? Double }
            #expect(entropies.count == 4 && entropies == entropies.sorted())
            #expect(try await pleiad("analyse", state, "--json").output == ended.output)
        }

        @Test func `the page stands alone, the text is for people, and a record is kept`()
            async throws
        {
            let scratch = try ScratchDirectory()
            let (state, _) = try await HalfRun.copy(to: scratch)
            let page = scratch.appending("a.html")
            let ended = try await pleiad("analyse", state, "--out", page, "--record")
            #expect(ended.code == 0, "\(ended.errors)")
            for words in [
                "uniformity", "tolerance", "alignment", "separation", "linear", "who is pushed",
                "step \(HalfRun.steps)",
            ] { #expect(ended.output.contains(words), "\(words) in \(ended.output)") }
            let html = try SmallFiles.text(of: page)
            #expect(html.contains("<svg ") && !html.contains("https:"))
            #expect(!html.replacing("http://www.w3.org/2000/svg", with: "").contains("http:"))
            let file = state + "/analyses/step-\(HalfRun.steps).json"
            let kept = try SmallFiles.object(SmallFiles.text(of: file))
            #expect(kept["uniformity"] as? Double != nil)
            #expect(try await pleiad("verify", state).code == 0)
            #expect(try await pleiad("plot", state).output.contains(">knn.embedding_top1"))
            try SmallFiles.flipBit(of: file, at: 200)
            let damaged = try await pleiad("verify", state)
            #expect(damaged.code != 0 && damaged.output.contains("analyses/step-"))
            let first = try await pleiad("analyse", state, "--untrained", "--json").object()
            #expect(first["step"] is NSNull && first["uniformity"] as? Double != nil)
        }

        @Test func `what cannot be analysed is refused by name`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            for (words, code, said) in [
                (["analyse", scratch.appending("nothing")], 2, "nothing"),
                (["analyse", state, "--step", "7"], 2, "no checkpoint of step 7"),
                (["analyse", state, "--out", "a.png"], 64, "does not end in .html"),
                (["analyse", state, "--out", scratch.appending("no/a.html")], 2, "no folder"),
                (["analyse", state, "--untrained", "--record"], 64, "--record"),
            ] {
                let ended = try await pleiad(words)
                #expect(ended.code == Int32(code), "\(words) \(ended.errors)")
                #expect(ended.errors.contains(said), "\(words) \(ended.errors)")
                #expect(ended.output.isEmpty)
            }
        }

        @Test func `a sweep over temperature and loss analyses every run`() async throws {
            let scratch = try ScratchDirectory()
            let data = try SmallData.write(to: scratch)
            let file = try scratch.write("run.yaml", Self.contrastive(data: data))
            let state = scratch.appending("sweep")
            let call = [
                "sweep", file, "--state", state, "--json", "--set",
                "contrastive.loss=contrastive,hard", "--set", "contrastive.temperature=0.3,1",
            ]
            let sweep = try await pleiad(call)
            #expect(sweep.code == 0, "\(sweep.errors)")
            let lines = sweep.output.split(separator: "\n").map(String.init)
            let runs = try lines.map { try SmallFiles.object($0) }
            let sets = runs.map { $0["set"] as? [String: Any] }
            #expect(sets.map { $0?["contrastive.temperature"] as? Double } == [0.3, 1, 0.3, 1])
            #expect(
                sets.map { $0?["contrastive.loss"] as? String }
                    == ["contrastive", "contrastive", "hard", "hard"])
            for run in runs {
                let directory = try #require(run["directory"] as? String)
                let analysis = try await pleiad("analyse", directory, "--json").object()
                for name in ["uniformity", "tolerance", "alignment", "knn", "linear"] {
                    let value = try #require(run[name] as? Double)
                    #expect(value == analysis[name] as? Double, "\(name)")
                }
            }
            #expect(Set(runs.compactMap { $0["uniformity"] as? Double }).count == 4)
            let table = try SmallFiles.text(of: state + "/sweep.md")
            #expect(table.contains("| uniformity | tolerance | alignment | knn, % |"))
            #expect(table.contains("| hard | 0.3 | 1 |"))
            let csv = try SmallFiles.text(of: state + "/sweep.csv").split(separator: "\n")
            #expect(csv.count == 5 && csv[0].contains(",uniformity,tolerance,alignment,knn,"))
            let svg = try Data(contentsOf: URL(fileURLWithPath: state + "/sweep.svg"))
            #expect(XMLParser(data: svg).parse())
            let picture = String(decoding: svg, as: UTF8.self)
            for title in [
                "uniformity over contrastive.temperature", "knn over contrastive.temperature",
                "similarities of two images", "who is pushed, by similarity",
            ] { #expect(picture.contains(">\(title)<"), "\(title)") }
            let again = try await pleiad(call)
            #expect(again.code == 0 && again.output == sweep.output)
            #expect(again.errors.contains("was finished"))
        }

        /// The test images' embeddings at unit length, from the file that others read.
        private static func testEmbeddings(
            of state: String, in scratch: ScratchDirectory
        ) async throws -> [[Double]] {
            let out = scratch.appending("z.npy")
            let embedded = try await pleiad("embed", state, "--out", out, "--head", "--test")
            guard embedded.code == 0 else { throw ProgramFailure(description: embedded.errors) }
            let npy = try SmallFiles.bytes(of: out)
            let values = npy.dropFirst(10 + (Int(npy[8]) | Int(npy[9]) << 8))
            // The run on the small data has embeddings of 32 floats.
            return stride(from: values.startIndex, to: values.endIndex, by: 128).map { first in
                let row = (0..<32).map { column in
                    let bits = (0..<4).reduce(UInt32(0)) {
                        $0 | UInt32(values[first + 4 * column + $1]) << UInt32(8 * $1)
                    }
                    return Double(Float(bitPattern: bits))
                }
                let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
                return row.map { $0 / length }
            }
        }
    }
}
