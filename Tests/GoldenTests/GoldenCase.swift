import Storage
import Tensors

/// What can be wrong with a case before anything is compared.
enum GoldenError: Error, CustomStringConvertible {
    case missingTensor(String)
    case missingMetadata(String)
    case badMetadata(key: String, text: String)
    case unknownVariant(String)

    var description: String {
        switch self {
        case .missingTensor(let name): "the file has no tensor \(name)"
        case .missingMetadata(let key): "the file has no metadata \(key)"
        case .badMetadata(let key, let text): "metadata \(key) is '\(text)'"
        case .unknownVariant(let what): "unknown variant: \(what)"
        }
    }
}

/// A tensor of a reference file.
struct GoldenArray {
    var dims: [Int]
    var values: Values

    enum Values {
        case floats([Float])
        case integers([Int])
    }
}

/// One file of reference values: inputs, expected results, and what was found in comparing.
final class GoldenCase {
    /// Relative to the largest magnitude of a tensor.
    static let tolerance = 1e-4

    let name: String
    private let arrays: [String: GoldenArray]
    private let metadata: [String: String]
    private var compared: Set<String> = []
    /// Every failure, in words.
    private(set) var failures: [String] = []
    /// The largest relative error so far.
    private(set) var worst = 0.0

    init(name: String, arrays: [String: GoldenArray], metadata: [String: String]) {
        self.name = name
        self.arrays = arrays
        self.metadata = metadata
    }

    // MARK: Inputs

    func has(_ name: String) -> Bool { arrays[name] != nil }

    func dims(_ name: String) throws -> [Int] { try array(name).dims }

    func tensor(_ name: String) throws -> Tensor {
        Tensor(try floats(name), shape: Shape(try array(name).dims))
    }

    func floats(_ name: String) throws -> [Float] {
        guard case .floats(let values) = try array(name).values else {
            throw GoldenError.missingTensor("\(name) of floats")
        }
        return values
    }

    func integers(_ name: String) throws -> [Int] {
        guard case .integers(let values) = try array(name).values else {
            throw GoldenError.missingTensor("\(name) of integers")
        }
        return values
    }

    /// An array of integers `[n, ...]` as n lists; -1 is padding and left out.
    func lists(_ name: String) throws -> [[Int]] {
        let values = try integers(name)
        let count = try dims(name)[0]
        let width = count == 0 ? 0 : values.count / count
        return (0..<count).map { row in
            values[(row * width)..<((row + 1) * width)].filter { $0 != -1 }
        }
    }

    func number(_ key: String) throws -> Double {
        let text = try self.text(key)
        guard let number = GoldenNotation.number(text) else {
            throw GoldenError.badMetadata(key: key, text: text)
        }
        return number
    }

    func numbers(_ key: String) throws -> [Int] {
        let text = try self.text(key)
        guard let numbers = GoldenNotation.integers(text) else {
            throw GoldenError.badMetadata(key: key, text: text)
        }
        return numbers
    }

    func count(_ key: String) throws -> Int { Int(try number(key)) }

    func flag(_ key: String) throws -> Bool {
        let text = try self.text(key)
        guard let flag = GoldenNotation.flag(text) else {
            throw GoldenError.badMetadata(key: key, text: text)
        }
        return flag
    }

    func text(_ key: String) throws -> String {
        guard let text = metadata[key] else { throw GoldenError.missingMetadata(key) }
        return text
    }

    private func array(_ name: String) throws -> GoldenArray {
        guard let array = arrays[name] else { throw GoldenError.missingTensor(name) }
        return array
    }

    // MARK: Comparison

    /// Compares a tensor, shape included.
    func compare(_ name: String, _ mine: Tensor) {
        if let array = arrays[name], array.dims != mine.shape.dims {
            failures.append("\(name): shape \(mine.shape.dims), expected \(array.dims)")
        }
        compare(name, mine.values.map(Double.init))
    }

    func compare(_ name: String, _ mine: [Float]) { compare(name, mine.map(Double.init)) }

    func compare(_ name: String, _ mine: Double) { compare(name, [mine]) }

    /// Compares floats by the rule of the reference values: 1e-4 of the largest magnitude; where
    /// the reference is zero, 1e-6 of the largest gradient of the case.
    func compare(_ name: String, _ mine: [Double]) {
        compared.insert(name)
        guard case .floats(let expected)? = arrays[name]?.values else {
            failures.append("\(name): the file has no such tensor of floats")
            return
        }
        compare(name, mine, with: expected)
    }

    /// Compares the entries of a tensor that `isCompared` picks; the others must be equal exactly.
    func compare(_ name: String, _ mine: [Float], where isCompared: (Float) -> Bool) {
        compared.insert(name)
        guard case .floats(let expected)? = arrays[name]?.values, expected.count == mine.count
        else {
            failures.append("\(name): \(mine.count) values do not fit the file")
            return
        }
        let picked = expected.indices.filter { isCompared(expected[$0]) }
        for index in expected.indices
        where !isCompared(expected[index]) && mine[index] != expected[index] {
            failures.append("\(name)[\(index)]: \(mine[index]), expected \(expected[index])")
        }
        compare(name, picked.map { Double(mine[$0]) }, with: picked.map { expected[$0] })
    }

    /// Compares integers: every one must be equal.
    func compare(_ name: String, integers mine: [Int]) {
        compared.insert(name)
        guard case .integers(let expected)? = arrays[name]?.values else {
            failures.append("\(name): the file has no such tensor of integers")
            return
        }
        guard expected.count == mine.count else {
            failures.append("\(name): \(mine.count) integers, expected \(expected.count)")
            return
        }
        let wrong = expected.indices.filter { expected[$0] != mine[$0] }
        if let first = wrong.first {
            failures.append(
                "\(name): \(wrong.count) integers differ, the first at \(first): "
                    + "\(mine[first]), expected \(expected[first])")
        }
    }

    /// Notes a failure that is no difference from an expected value.
    func fail(_ text: String) { failures.append(text) }

    /// Expected results that nobody compared: each is a failure of the runner's kind.
    func finish() {
        for name in arrays.keys.sorted()
        where (name.hasPrefix("out.") || name.hasPrefix("grad.")) && !compared.contains(name) {
            failures.append("\(name) was not compared")
        }
    }

    private func compare(_ name: String, _ mine: [Double], with expected: [Float]) {
        guard mine.count == expected.count else {
            failures.append("\(name): \(mine.count) values, expected \(expected.count)")
            return
        }
        guard mine.allSatisfy(\.isFinite) else {
            failures.append("\(name): not every value is finite")
            return
        }
        let scale = expected.reduce(0) { max($0, Double(abs($1))) }
        let difference = zip(mine, expected).reduce(0) { max($0, abs($1.0 - Double($1.1))) }
        if scale < 1e-12 {
            let bound = 1e-6 * largestOtherGradient(than: name)
            let largest = mine.reduce(0) { max($0, abs($1)) }
            if largest > bound {
                failures.append("\(name): \(largest) where the reference is zero (\(bound))")
            }
            return
        }
        let error = difference / scale
        worst = max(worst, error)
        if error > Self.tolerance { failures.append("\(name): relative error \(error)") }
    }

    private func largestOtherGradient(than name: String) -> Double {
        var largest = 0.0
        for (other, array) in arrays where other.hasPrefix("grad.") && other != name {
            guard case .floats(let values) = array.values else { continue }
            largest = values.reduce(largest) { max($0, Double(abs($1))) }
        }
        return largest
    }
}

extension GoldenCase {
    /// The case in a safetensors file.
    convenience init(name: String, path: String) throws {
        let file = try SafetensorsFile(contentsOf: path)
        var arrays: [String: GoldenArray] = [:]
        for array in file.names {
            let dims = try file.dims(array)
            if try file.type(array) == .f32 {
                let values = try file.tensor(array).values
                arrays[array] = GoldenArray(dims: dims, values: .floats(values))
            } else {
                let values = try file.integers(array).map { Int($0) }
                arrays[array] = GoldenArray(dims: dims, values: .integers(values))
            }
        }
        let pairs = file.metadata.map { ($0.key, $0.value) }
        let metadata = Dictionary(pairs) { first, _ in first }
        self.init(name: name, arrays: arrays, metadata: metadata)
    }
}
