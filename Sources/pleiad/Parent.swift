import Foundation

/// Does `body`, but ends the process when its parent ends, if one is named: a process that another
/// one started for itself ends with it, since killed that one cannot say so.
func ending<Value: Sendable>(
    with parent: Int32?, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    guard let parent else { return try await body() }
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            while getppid() == parent {
                try await Task.sleep(for: .milliseconds(500))
            }
            Foundation.exit(1)
        }
        for try await value in group {
            guard let value else { continue }
            group.cancelAll()
            return value
        }
        throw CancellationError()
    }
}
