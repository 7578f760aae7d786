"""The fast model in TenSEAL, timed: what `cargo xtask bench` compares with.

Takes an ONNX file (784-128-x2-10: Gemm, Mul(h, h), Gemm) and a JSON file of images with the classes
that plain inference gives them; prints one JSON object. Ends with an error if a class differs.

TenSEAL has one thread, no more primes than three multiplications take, and its own choice of
rotation keys.
"""

import json
import sys
import time

import numpy
import onnx
import tenseal

DEGREE = 8192
# Three multiplications, each rescaled by one prime; 178 of the 218 bits that are 128-bit secure.
BITS = [40, 32, 32, 32, 42]
SCALE = 2.0**32


def layers(path):
    """Weights (inputs x outputs) and biases of the two Gemm nodes."""
    graph = onnx.load(path).graph
    tensors = {t.name: onnx.numpy_helper.to_array(t).astype(float) for t in graph.initializer}
    found = []
    for node in graph.node:
        if node.op_type == "Gemm":
            weights = tensors[node.input[1]]
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            found.append((weights.T if transposed else weights, tensors[node.input[2]]))
    if [w.shape for w, _ in found] != [(784, 128), (128, 10)]:
        sys.exit(f"not 784-128-10: {[w.shape for w, _ in found]}")
    return found


def main():
    model, images = sys.argv[1:]
    (first, hidden_bias), (second, bias) = layers(model)
    with open(images) as file:
        data = json.load(file)

    context = tenseal.context(
        tenseal.SCHEME_TYPE.CKKS, DEGREE, coeff_mod_bit_sizes=BITS, n_threads=1
    )
    context.global_scale = SCALE
    start = time.perf_counter()
    context.generate_galois_keys()
    context.generate_relin_keys()
    keygen = time.perf_counter() - start
    public = context.serialize(
        save_public_key=False, save_secret_key=False, save_galois_keys=True, save_relin_keys=True
    )

    # A 785th input that is always 1 carries the hidden bias.
    first = numpy.vstack([first, hidden_bias]).tolist()
    second, bias = second.tolist(), bias.tolist()
    seconds, errors, up, down = [], [], 0, 0
    for pixels, want in zip(data["images"], data["classes"]):
        request = tenseal.ckks_vector(context, pixels + [1.0]).serialize()
        start = time.perf_counter()
        vector = tenseal.ckks_vector_from(context, request)
        reply = ((vector.mm(first)).square_().mm(second) + bias).serialize()
        seconds.append(time.perf_counter() - start)
        logits = tenseal.ckks_vector_from(context, reply).decrypt()
        plain = (numpy.append(pixels, 1.0) @ numpy.array(first)) ** 2 @ numpy.array(second) + bias
        errors.append(float(numpy.abs(plain - logits).max()))
        if int(numpy.argmax(logits)) != want:
            sys.exit(f"TenSEAL says {int(numpy.argmax(logits))}, plain inference {want}")
        up, down = max(up, len(request)), max(down, len(reply))
    print(
        json.dumps(
            {
                "version": tenseal.__version__,
                "parameters": f"N = {DEGREE}, primes of {BITS} bits, one thread",
                "milliseconds": [1e3 * s for s in seconds],
                "key_milliseconds": 1e3 * keygen,
                "largest_logit_error": max(errors),
                "key_bytes": len(public),
                "up_bytes": up,
                "down_bytes": down,
            }
        )
    )


main()
