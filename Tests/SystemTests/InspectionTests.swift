import Foundation
import Testing

extension SystemTests {
    /// `pleiad table` and `pleiad gallery` on a run that was trained here.
    @Suite struct InspectionTests {
        @Test func `table reports rows, occupancy, lengths and an image's centers`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let ended = try await pleiad(
                "table", state, "--json", "--image", "5", "--image", "700", "--nearest", "3")
            #expect(ended.code == 0, "\(ended.errors)")
            let report = try ended.object()
            #expect(report["rows"] as? Int == 32 && report["dim"] as? Int == 32)
            #expect(report["step"] as? Int == HalfRun.steps)
            #expect(report["updates"] as? Int == HalfRun.steps)
            // 150 batches of 48 images with four labels each have all 32 classes.
            let neverDrawn = report["never_drawn"] as? [String: Any]
            #expect(neverDrawn?["rows"] as? Int == 0)
            let norms = report["norms"] as? [String: Any]
            let bins = norms?["histogram"] as? [[String: Any]] ?? []
            #expect(bins.reduce(0) { $0 + ($1["rows"] as? Int ?? 0) } == 32)
            let occupancy = report["occupancy"] as? [String: Any]
            #expect(occupancy?["samples"] as? Int == SmallData.trainCount)
            #expect(occupancy?["labels"] as? Int == 4)
            for key in ["first", "all"] {
                let spread = occupancy?[key] as? [String: Any]
                let sizes = spread?["sizes"] as? [[String: Any]] ?? []
                #expect(sizes.reduce(0) { $0 + ($1["clusters"] as? Int ?? 0) } == 32)
                #expect(spread?["imbalance"] as? Double ?? 0 >= 1)
            }
            let images = report["images"] as? [[String: Any]] ?? []
            #expect(images.compactMap { $0["image"] as? Int } == [5, 700])
            let rows = try await Cosines(of: state, in: scratch)
            for image in images {
                let nearest = image["nearest"] as? [[String: Any]] ?? []
                let number = image["image"] as? Int ?? -1
                let wanted = (0..<32).sorted {
                    rows.cosine(image: number, center: $0) > rows.cosine(image: number, center: $1)
                }
                #expect(nearest.compactMap { $0["center"] as? Int } == Array(wanted.prefix(3)))
                for (near, center) in zip(nearest, wanted) {
                    let cosine = near["cosine"] as? Double ?? 9
                    #expect(abs(cosine - rows.cosine(image: number, center: center)) < 1e-5)
                }
            }
        }

        @Test func `table is for people, too`() async throws {
            let state = try await HalfRun.state()
            let ended = try await pleiad("table", state, "--image", "3", "--test")
            #expect(ended.code == 0, "\(ended.errors)")
            for words in [
                "32 rows x 32", "never drawn: 0", "by first label: 1200 samples in 32 clusters",
                "lengths of rows", "image 3, class 3", "1.  center ",
            ] { #expect(ended.output.contains(words), "\(words) in \(ended.output)") }
        }

        @Test func `gallery writes a page and a picture of the same centers`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let (page, picture) = (scratch.appending("g.html"), scratch.appending("g.png"))
            let ended = try await pleiad(
                "gallery", state, "--centers", "6", "--nearest", "5", "--out", page, "--out",
                picture, "--json")
            #expect(ended.code == 0, "\(ended.errors)")
            let centers = try ended.object()["centers"] as? [[String: Any]] ?? []
            #expect(centers.count == 6)
            let html = try SmallFiles.text(of: page)
            let rows = try await Cosines(of: state, in: scratch)
            for center in centers {
                let number = center["center"] as? Int ?? -1
                #expect(html.contains(">Center \(number)</h2>"))
                let images = center["images"] as? [[String: Any]] ?? []
                let wanted = (0..<SmallData.trainCount).sorted {
                    rows.cosine(image: $0, center: number) > rows.cosine(image: $1, center: number)
                }
                #expect(images.compactMap { $0["image"] as? Int } == Array(wanted.prefix(5)))
                #expect(
                    images.compactMap { $0["class"] as? Int } == wanted.prefix(5).map { $0 % 10 })
            }
            #expect(html.components(separatedBy: "<img src=\"data:image/png;base64,").count == 31)
            #expect(!html.contains("http:") && !html.contains("https:"))
            let bytes = try SmallFiles.bytes(of: picture)
            #expect(Array(bytes.prefix(8)) == [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
            let again = scratch.appending("again.html")
            let second = try await pleiad(
                "gallery", state, "--centers", "6", "--nearest", "5", "--out", again)
            #expect(second.code == 0)
            #expect(try SmallFiles.text(of: again) == html)
        }

        @Test func `both look at a run while a coordinator holds it`() async throws {
            let scratch = try ScratchDirectory()
            let (state, file) = try await HalfRun.copy(to: scratch)
            let coordinator = try RunningProgram([
                "coordinator", file, "--state", state, "--listen", "tcp://127.0.0.1:0",
            ])
            let url = try await coordinator.line(after: "listening ", within: 30)
            let worker = try RunningProgram(["worker", "--join", url, "--name", "w1"])
            for _ in 0..<3 {
                let table = try await pleiad("table", state, "--image", "1")
                #expect(table.code == 0, "\(table.errors)")
                let gallery = try await pleiad(
                    "gallery", state, "--center", "0,31", "--out", scratch.appending("g.png"))
                #expect(gallery.code == 0, "\(gallery.errors)")
            }
            for program in [worker, coordinator] { program.signal(SIGTERM) }
            #expect(try await coordinator.exitCode(within: 30) == 0)
            #expect(try await worker.exitCode(within: 30) == 0)
        }

        @Test func `what cannot be shown is refused by name`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let out = scratch.appending("g.html")
            for (words, code, said) in [
                (["table", state, "--image", "1200"], 2, "has no image 1200"),
                (["table", state, "--step", "7"], 2, "no checkpoint of step 7"),
                (["table", state, "--nearest", "0"], 64, "--nearest"),
                (["table", state, "--test"], 64, "--test belongs to --image"),
                (["gallery", state, "--out", out, "--center", "32"], 2, "no center 32"),
                (["gallery", state, "--out", out, "--center", "1,x"], 64, "no list of centers"),
                (["gallery", state, "--out", "g.jpg"], 64, "neither in .html nor in .png"),
                (["gallery", state], 64, "--out"),
                (
                    ["gallery", state, "--out", scratch.appending("no/g.html")], 2,
                    "there is no folder"
                ),
            ] {
                let ended = try await pleiad(words)
                #expect(ended.code == Int32(code), "\(words) \(ended.errors)")
                #expect(ended.errors.contains(said), "\(words) \(ended.errors)")
                #expect(ended.output.isEmpty)
            }
            #expect(!FileManager.default.fileExists(atPath: out))
        }

        /// Cosines of a run's images and centers, by hand from the files that others read.
        private struct Cosines {
            private let images: [[Double]]
            private let centers: [[Double]]

            /// - Parameter state: of the run on the small data, whose rows have 32 numbers.
            init(of state: String, in scratch: ScratchDirectory) async throws {
                let out = scratch.appending("z.npy")
                let embedded = try await pleiad("embed", state, "--out", out, "--head")
                guard embedded.code == 0 else {
                    throw ProgramFailure(description: embedded.errors)
                }
                let npy = try SmallFiles.bytes(of: out)
                images = Self.rows(npy.dropFirst(10 + (Int(npy[8]) | Int(npy[9]) << 8)))
                let tables = try SmallFiles.bytes(
                    of: state + "/checkpoints/step-\(HalfRun.steps)/tables.safetensors")
                let headerCount = (0..<8).reduce(0) { $0 | Int(tables[$1]) << (8 * $1) }
                let header = try SmallFiles.object(
                    String(decoding: tables[8..<(8 + headerCount)], as: UTF8.self))
                let entry = header["centers.rows.0"] as? [String: Any]
                let offsets = entry?["data_offsets"] as? [Int] ?? [0, 0]
                centers = Self.rows(
                    tables.dropFirst(8 + headerCount + offsets[0]).prefix(offsets[1] - offsets[0]))
            }

            func cosine(image: Int, center: Int) -> Double {
                zip(images[image], centers[center]).reduce(0) { $0 + $1.0 * $1.1 }
            }

            /// Rows of 32 floats, brought to unit length.
            private static func rows(_ bytes: ArraySlice<UInt8>) -> [[Double]] {
                stride(from: bytes.startIndex, to: bytes.endIndex, by: 128).map { first in
                    let row = (0..<32).map { column in
                        let at = first + 4 * column
                        let bits = (0..<4).reduce(UInt32(0)) {
                            $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1)
                        }
                        return Double(Float(bitPattern: bits))
                    }
                    let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
                    return row.map { $0 / length }
                }
            }
        }
    }
}
