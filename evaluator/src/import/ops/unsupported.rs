//! Operators that can't be evaluated: why, and what to use instead.

use super::OpError;

const COMPARES: &str = "it compares values, which can't be done on ciphertexts";
const NOT_POLYNOMIAL: &str = "it is not a polynomial, and only polynomials can be evaluated";
const NOT_YET: &str = "it is linear, but this version does not import it";
const LAYOUT: &str = "it changes the layout in a way that this version does not import";
const DYNAMIC: &str = "it computes with shapes or indices";
const STATISTICS: &str = "it divides by statistics of its input";

const SQUARE: &str = "use x² (Pow 2, or Mul x·x) and train again";
const RELU: &str = "use x² and train again, or Relu with --approximate relu=chebyshev:DEGREE";
const AVERAGE: &str = "use AveragePool or GlobalAveragePool and train again";
const AS_CONV: &str = "write it as a Conv, Gemm or AveragePool";
const FLATTEN: &str = "use Flatten, Reshape or Transpose";
const STATIC: &str = "export with constant shapes and constant folding";
const BATCH: &str = "use BatchNormalization, whose statistics are constants";
const LARGEST: &str = "leave it out; the client finds the largest logit";
const KNOWN: &str = "use Conv, Gemm, MatMul, AveragePool, BatchNormalization, Add, Sub, Mul and \
                     Div with constants, sums of branches, and polynomials such as x²";

/// The refusal of an operator that has no file here.
pub fn refuse(op: &str) -> OpError {
    let (reason, instead) = match op {
        "LeakyRelu" | "PRelu" | "ThresholdedRelu" | "Clip" | "HardSigmoid" | "HardSwish"
        | "Abs" => (COMPARES, RELU),
        "Sign" | "Where" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Equal"
        | "Not" | "And" | "Or" | "Floor" | "Ceil" | "Round" => (COMPARES, SQUARE),
        "MaxPool" | "GlobalMaxPool" | "LpPool" | "Max" | "Min" | "ReduceMax" | "ReduceMin" => {
            (COMPARES, AVERAGE)
        }
        "ArgMax" | "ArgMin" | "TopK" | "Hardmax" => (COMPARES, LARGEST),
        "Elu" | "Selu" | "Celu" | "Softsign" | "Erf" | "Exp" | "Log" | "Sqrt" | "Mish" | "Sin"
        | "Cos" | "Reciprocal" => (NOT_POLYNOMIAL, SQUARE),
        "ConvTranspose" | "ReduceSum" | "Pad" | "Sum" | "Mean" | "Einsum" | "Resize" => {
            (NOT_YET, AS_CONV)
        }
        "InstanceNormalization"
        | "LayerNormalization"
        | "GroupNormalization"
        | "LRN"
        | "LpNormalization" => (STATISTICS, BATCH),
        "Split" | "DepthToSpace" | "SpaceToDepth" | "Tile" => (LAYOUT, FLATTEN),
        "ConstantOfShape" | "Range" | "Expand" | "If" | "Loop" | "Scan" | "NonZero"
        | "ScatterND" | "GatherND" => (DYNAMIC, STATIC),
        _ => ("this operator is not known", KNOWN),
    };
    OpError::new(reason).instead(instead)
}
