import Identity
import Messages
import Optimizers
import Tensors
import Wire

extension GoldenFrame {
    /// One message of every kind, with values that are all different where they can be.
    static let all: [GoldenFrame] = requests + replies + pushes

    /// Further messages, of kinds that have more than one form.
    static let variants: [GoldenFrame] = [
        GoldenFrame(
            kind: .hello, variant: "token",
            meaning:
                "The same with a token, in the conversation of the vectors greet and greeting.",
            fields: helloFields + [
                "token id 16 bytes = 00 01 ... 0f",
                "code digest = HMAC-SHA-256 (token key 32 bytes 0b)",
            ],
            message: .request(.hello(provenHello)), id: 2, incarnation: none),
        GoldenFrame(
            kind: .welcome, variant: "token",
            meaning: "The same to a worker with a token, whose secret the code proves.",
            fields: welcomeFields + ["code digest = HMAC-SHA-256 (token key 32 bytes 0b)"],
            message: .reply(.welcome(provenWelcome)), id: 2),
        GoldenFrame(
            kind: .deliverNode, variant: "bf16",
            meaning: "Slice 4 of step 120 in a run with gradients in bf16.",
            fields: [
                "first slice u32 = 4", "end of slices u32 = 5", "leaves: count u32 = 1",
                "slice u32 = 4", "digest = 32 bytes e4", "finite u8 = 1", "milliseconds u32 = 310",
            ],
            message: .request(
                .deliverNode(
                    DeliverNode(
                        step: StepNumber(120), node: SliceRange(4, 5),
                        leaves: [
                            Leaf(
                                slice: SliceNumber(4), digest: digest(of: 0xe4), isFinite: true,
                                computeMilliseconds: 310)
                        ]))), id: 10, tensors: roundedResult.wireTensors),
    ]

    static let none = Incarnation(rawValue: 0)
    static let nonce = Array(UInt8(1)...16)
    private static let nonceField = "nonce 16 bytes = 01 02 ... 10"
    private static let version = FetchVersion(step: StepNumber(120), digest: digest(of: 0xd1))

    private static let task = SliceTask(
        step: StepNumber(120), slice: SliceNumber(5), dataEpoch: 2, stepSamples: 256,
        samples: [40_000, 7, 59_999])
    private static let hint = SliceTask(
        step: StepNumber(121), slice: SliceNumber(6), dataEpoch: 2, stepSamples: 256,
        samples: [11])

    /// The sum over slices 4 and 5.
    static let result = SliceResult(
        gradient: Tensor([0.25, -1, 3], shape: [3]), statistics: Tensor(zeros: [0]),
        sums: [.init(name: "loss", value: 2.75)],
        rows: NamedTensors(["keys": Tensor([1, 2, 3, 4], shape: [2, 2])]))

    /// The same in a run with `gradients: bf16`: 0.3 becomes 0.30078125.
    static let roundedResult = SliceResult(
        gradient: Tensor([0.3, -1, 3], shape: [3]), statistics: Tensor(zeros: [0]),
        sums: [.init(name: "loss", value: 2.75)]
    ).rounded(to: .bf16)

    private static let requests: [GoldenFrame] = [
        GoldenFrame(
            kind: .greet, meaning: "A worker opens a control connection; it speaks minor 0 only.",
            fields: ["lowest minor u8 = 0", "highest minor u8 = 0", nonceField],
            message: .request(.greet(Greet(minorLowest: 0, minorHighest: 0, nonce: nonce))),
            id: 1, incarnation: none),
        GoldenFrame(
            kind: .hello, meaning: "Worker b2 with two slots says who it is.",
            fields: helloFields + [
                "token id 16 bytes = 00 (none)", "code digest = 32 bytes 00 (none)",
            ],
            message: .request(.hello(plainHello)), id: 2, incarnation: none),
        GoldenFrame(
            kind: .attach, meaning: "The first request of a bulk connection.",
            fields: ["ticket u64 = 0x1122334455667788"],
            message: .request(.attach(Attach(ticket: 0x1122_3344_5566_7788))), id: 3),
        GoldenFrame(
            kind: .ready,
            meaning: "The worker has the run file and the data; it holds shards 0, 3.",
            fields: [
                "config digest = 32 bytes b2", "data digest = 32 bytes c3",
                "shards: count u32 = 2, then u32 0, u32 3",
            ],
            message: .request(
                .ready(
                    Ready(
                        configDigest: digest(of: 0xb2), dataDigest: digest(of: 0xc3),
                        shards: [0, 3]))), id: 4),
        GoldenFrame(
            kind: .requestLease, meaning: "Slot 1 is idle and asks for a slice.",
            fields: ["slot u16 = 1"],
            message: .request(.requestLease(RequestLease(slot: 1))), id: 5),
        GoldenFrame(
            kind: .fetchVersion, meaning: "The worker lacks the parameters of step 120.",
            fields: ["digest = 32 bytes d1"], message: .request(.fetchVersion(version)), id: 6),
        GoldenFrame(
            kind: .exchange, meaning: "Slice 5 of step 120 hands in its embeddings, round 0.",
            fields: ["round u16 = 0", "digest = that of the tensors"],
            message: .request(
                .exchange(
                    Exchange(
                        step: StepNumber(120), slice: SliceNumber(5), round: 0,
                        digest: exchangeTensors.digest))), id: 7,
            tensors: exchangeTensors.wireTensors),
        GoldenFrame(
            kind: .offerNode, meaning: "The worker has the sum over slices 4 and 5 of step 120.",
            fields: ["first slice u32 = 4", "end of slices u32 = 6", "bytes u64 = 36"],
            message: .request(
                .offerNode(
                    OfferNode(
                        step: StepNumber(120), node: SliceRange(4, 6),
                        byteCount: UInt64(result.byteCount)))), id: 8),
        GoldenFrame(
            kind: .deliverNode, meaning: "The sum over slices 4 and 5 of step 120.",
            fields: [
                "first slice u32 = 4", "end of slices u32 = 6", "leaves: count u32 = 2",
                "slice u32 = 4", "digest = 32 bytes e4", "finite u8 = 1", "milliseconds u32 = 310",
                "slice u32 = 5", "digest = 32 bytes e5", "finite u8 = 0", "milliseconds u32 = 299",
            ],
            message: .request(
                .deliverNode(
                    DeliverNode(
                        step: StepNumber(120), node: SliceRange(4, 6),
                        leaves: [
                            Leaf(
                                slice: SliceNumber(4), digest: digest(of: 0xe4), isFinite: true,
                                computeMilliseconds: 310),
                            Leaf(
                                slice: SliceNumber(5), digest: digest(of: 0xe5), isFinite: false,
                                computeMilliseconds: 299),
                        ]))), id: 9, tensors: result.wireTensors),
        GoldenFrame(
            kind: .heartbeat, meaning: "Slot 0 computes backward, slot 1 waits for a lease.",
            fields: [
                "slots: count u32 = 2", "slot u16 = 0", "phase u8 = 4 (backward)",
                "step u64 = 120", "slice u32 = 5", "ticks u64 = 1234", "slot u16 = 1",
                "phase u8 = 0 (idle)", "step u64 = 0", "slice u32 = 0", "ticks u64 = 99",
            ],
            message: .request(
                .heartbeat(
                    Heartbeat(slots: [
                        SlotProgress(
                            slot: 0, phase: .backward, step: StepNumber(120),
                            slice: SliceNumber(5), ticks: 1234),
                        SlotProgress(
                            slot: 1, phase: .idle, step: StepNumber(0), slice: SliceNumber(0),
                            ticks: 99),
                    ]))), id: 10),
        GoldenFrame(
            kind: .returnLease, meaning: "The worker drains and hands slice 5 of step 120 back.",
            fields: ["reason u8 = 1 (drain)", "detail string = told to stop"],
            message: .request(
                .returnLease(
                    ReturnLease(
                        step: StepNumber(120), slice: SliceNumber(5), reason: .drain,
                        detail: "told to stop"))), id: 11),
        GoldenFrame(
            kind: .goodbye, meaning: "The worker leaves on purpose.",
            fields: ["detail string = told to stop"],
            message: .request(.goodbye(Goodbye(detail: "told to stop"))), id: 12),
        GoldenFrame(
            kind: .status, meaning: "A client wants the status document.", fields: [],
            message: .request(.status), id: 13),
        GoldenFrame(
            kind: .steer, meaning: "An operator wants the run to end after the open step.",
            fields: ["action u8 = 1 (stop)", "detail string = new learning rate"],
            message: .request(.steer(Steer(action: .stop, detail: "new learning rate"))), id: 14),
    ]

    private static let replies: [GoldenFrame] = [
        GoldenFrame(
            kind: .accepted, meaning: "Heard: the reply to attach, heartbeat and others.",
            fields: [], message: .reply(.accepted), id: 3),
        GoldenFrame(
            kind: .greeting, meaning: "The coordinator of epoch 3 speaks minor 0.",
            fields: ["minor u8 = 0", "epoch u32 = 3", nonceField],
            message: .reply(.greeting(Greeting(minor: 0, epoch: 3, nonce: nonce))), id: 1,
            incarnation: none),
        GoldenFrame(
            kind: .welcome, meaning: "The worker is taken in as incarnation 7 of epoch 3.",
            fields: welcomeFields + ["code digest = 32 bytes 00 (none)"],
            message: .reply(.welcome(plainWelcome)), id: 2),
        GoldenFrame(
            kind: .lease, meaning: "Slice 5 of step 120, and a hint of slice 6 of step 121.",
            fields: [
                "version digest = 32 bytes d1", "averages digest = 32 bytes 00 (none)",
                "seed u64 = 42", "data epoch u64 = 2",
                "samples of the step u32 = 256",
                "samples: count u32 = 3, then u32 40000, u32 7, u32 59999",
                "hints: count u32 = 1", "step u64 = 121", "slice u32 = 6", "data epoch u64 = 2",
                "samples of the step u32 = 256", "samples: count u32 = 1, then u32 11",
            ],
            message: .reply(
                .lease(
                    Lease(task: task, version: digest(of: 0xd1), seed: 42, hints: [hint]))),
            id: 5),
        GoldenFrame(
            kind: .version, meaning: "The parameters as step 120 opened, and no buffers.",
            fields: ["digest = 32 bytes d1"], message: .reply(.version(version)), id: 6,
            tensors: [
                WireTensor(name: "parameters", tensor: Tensor([1, 2, 3], shape: [3])),
                WireTensor(name: "buffers", tensor: Tensor(zeros: [0])),
            ]),
        GoldenFrame(
            kind: .answer, meaning: "The answer to slice 5 of step 120, round 0.",
            fields: ["round u16 = 0"],
            message: .reply(
                .answer(
                    ExchangeAnswer(step: StepNumber(120), slice: SliceNumber(5), round: 0))),
            id: 7,
            tensors: [
                WireTensor(
                    name: "dz", tensor: Tensor([0.5, 0.25, 0, 1, -1, 2], shape: [2, 3]))
            ]),
        GoldenFrame(
            kind: .verdict, meaning: "Send the node: this is the credit.",
            fields: ["verdict u8 = 1 (send)"], message: .reply(.verdict(.send)), id: 8),
        GoldenFrame(
            kind: .statusDocument, meaning: "The status document.",
            fields: ["document string = {\"state\":\"running\"}"],
            message: .reply(.status("{\"state\":\"running\"}")), id: 13),
        GoldenFrame(
            kind: .refused, meaning: "The version is gone.",
            fields: ["code u16 = 12 (versionGone)", "detail string = step 120"],
            message: .reply(.refused(Refusal(.versionGone, "step 120"))), id: 6),
    ]

    private static let pushes: [GoldenFrame] = [
        GoldenFrame(
            kind: .abandon, meaning: "Stop work on slice 5 of step 120.", fields: [],
            message: .push(.abandon(StepNumber(120), SliceNumber(5))), id: 0),
        GoldenFrame(
            kind: .over, meaning: "All steps are made.",
            fields: ["reason u8 = 1 (done)", "detail string = 3000 steps are made"],
            message: .push(.over(RunOver(reason: .done, detail: "3000 steps are made"))), id: 0),
    ]
}
