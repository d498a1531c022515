import CoordinatorDaemon
import ServiceLifecycle

/// A coordinator and what lives beside it, as services of one group: it is over as soon as the
/// coordinator is, whose end ends everything else.
///
/// A group stops its services from the last to the first, each once the next one has ended: the
/// coordinator ends the open step while workers still compute, and tells them so.
func services(
    of coordinator: Coordinator, beside others: [any Service]
) -> [ServiceGroupConfiguration.ServiceConfiguration] {
    others.map {
        .init(
            service: UntilShutdown(service: $0), successTerminationBehavior: .ignore,
            failureTerminationBehavior: .gracefullyShutdownGroup)
    } + [
        .init(
            service: coordinator, successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .gracefullyShutdownGroup)
    ]
}

/// A service that may have nothing left to do before its group stops it: a group that stops takes
/// the end of any other service than the next for a failure.
private struct UntilShutdown: Service {
    let service: any Service

    func run() async throws {
        try await service.run()
        try? await gracefulShutdown()  // cancelled: the group ends at once
    }
}
