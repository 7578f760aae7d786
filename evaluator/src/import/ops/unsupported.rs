//! Operators that can't be evaluated: why, and what to use instead.

use super::OpError;

const COMPARES: &str = "it compares values, which can't be done on ciphertexts";
const NOT_POLYNOMIAL: &str = "it is not a polynomial, and only polynomials can be evaluated";
const NOT_YET: &str = "it is linear, but this version does not import it";
const LAYOUT: &str = "it changes the layout in a way that this version does not import";
const DYNAMIC: &str = "it computes with shapes or indices";
const LEFT_TO_CLIENT: &str = "it is not a polynomial, and the order of the classes doesn't need it";

const SQUARE: &str = "use x² (Pow 2, or Mul x·x) and train again";
const AS_GEMM: &str = "write it as a Gemm on the flattened values";
const INTO_GEMM: &str = "fold it into the weights of the neighbouring Gemm or MatMul";
const FLATTEN: &str = "use Flatten or Reshape";
const STATIC: &str = "export with constant shapes and constant folding";
const LEAVE_OUT: &str = "leave it out; the client turns logits into probabilities";
const EVAL_MODE: &str = "export in evaluation mode, which leaves it out";
const KNOWN: &str = "use Gemm, MatMul, Add of a bias, Flatten, Reshape, and x² as Pow 2 or Mul x·x";

/// The refusal of an operator that has no file here.
pub fn refuse(op: &str) -> OpError {
    let (reason, instead) = match op {
        "Relu" | "LeakyRelu" | "PRelu" | "ThresholdedRelu" | "Clip" | "HardSigmoid"
        | "HardSwish" | "Abs" | "Sign" | "Where" | "Greater" | "Less" => (COMPARES, SQUARE),
        "MaxPool" | "GlobalMaxPool" | "Max" | "Min" | "ReduceMax" | "ReduceMin" => (
            COMPARES,
            "use an average, as a Gemm on the flattened values",
        ),
        "ArgMax" | "ArgMin" | "TopK" => {
            (COMPARES, "leave it out; the client finds the largest logit")
        }
        "Tanh" | "Sigmoid" | "Elu" | "Selu" | "Celu" | "Gelu" | "Softplus" | "Softsign" | "Erf"
        | "Exp" | "Log" | "Sqrt" | "Mish" | "Swish" => (NOT_POLYNOMIAL, SQUARE),
        "Softmax" | "LogSoftmax" => (LEFT_TO_CLIENT, LEAVE_OUT),
        "Conv" | "ConvTranspose" | "AveragePool" | "GlobalAveragePool" | "ReduceMean"
        | "ReduceSum" | "Pad" => (NOT_YET, AS_GEMM),
        "BatchNormalization" | "Sub" | "Div" | "Neg" => (NOT_YET, INTO_GEMM),
        "Dropout" => ("it is only for training", EVAL_MODE),
        "Transpose" | "Squeeze" | "Unsqueeze" | "Concat" | "Split" | "Slice" => (LAYOUT, FLATTEN),
        "Shape" | "Gather" | "Cast" | "ConstantOfShape" | "Range" | "Expand" => (DYNAMIC, STATIC),
        _ => ("this operator is not known", KNOWN),
    };
    OpError::new(reason).instead(instead)
}
