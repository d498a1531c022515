extension LaneMath {
    /// e to the power of `x`: the bits that a lane gets.
    public static func exp(_ x: Float) -> Float { exp(.init(repeating: x))[0] }
    /// The natural logarithm of `x`: the bits that a lane gets.
    public static func log(_ x: Float) -> Float { log(.init(repeating: x))[0] }
    /// The sine of `x`: the bits that a lane gets.
    public static func sin(_ x: Float) -> Float { sin(.init(repeating: x))[0] }
    /// The cosine of `x`: the bits that a lane gets.
    public static func cos(_ x: Float) -> Float { cos(.init(repeating: x))[0] }
    /// The hyperbolic tangent of `x`: the bits that a lane gets.
    public static func tanh(_ x: Float) -> Float { tanh(.init(repeating: x))[0] }
    /// The error function of `x`: the bits that a lane gets.
    public static func erf(_ x: Float) -> Float { erf(.init(repeating: x))[0] }
    /// 1 / (1 + e^-x): the bits that a lane gets.
    public static func sigmoid(_ x: Float) -> Float { sigmoid(.init(repeating: x))[0] }
}
