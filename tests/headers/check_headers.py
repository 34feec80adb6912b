"""Rules for the headers that no compiler enforces. Prints what breaks them; exits 1 if anything does.

1. Order: a header of include/prefopt/<folder>/ includes only its own folder and earlier ones.
2. Light: odpo.hpp, dpo.hpp, slic.hpp and all they include need the standard library alone.
3. Contents: prefopt.hpp includes every .hpp of the folders once, in the folders' order, each with a
   phrase that says what it holds, and cuda.cuh every .cuh (but those APART).
4. Tests: include/prefopt/<folder>/**/x.hpp has tests/<folder>/x_test.cpp, which includes it first,
   or stands in TESTED_IN. The tests of every .cuh are in tests/cuda/.
5. Kernels: no .hpp includes a .cuh, and in every .cuh but device.cuh shared memory and launches go
   through device.cuh, so that the tests can execute kernels without a GPU.
6. Names: what a .hpp uses of the standard library's NAMED_IN, of Eigen or of JSON, it includes
   itself; what a .ipp uses, it or its .hpp does.
7. Definitions: a .ipp stands beside the .hpp that declares what it defines, includes it first, and is
   included at its end where PREFOPT_COMPILED is not defined. Nothing else that it includes comes back
   to that .hpp: included first, it would be read in the middle of another. What it defines is
   PREFOPT_INLINE, inline, a template or a type, or two files that include it could not be linked.
"""

import re
import sys
from pathlib import Path

FOLDERS = "core data text offset loss backend model sample score pair train eval".split()
LIGHT = "odpo.hpp dpo.hpp slic.hpp".split()
TABLES = {".hpp": "prefopt.hpp", ".cuh": "cuda.cuh"}
DEFINITIONS = "#if !defined(PREFOPT_COMPILED)\n#include <prefopt/{}>\n#endif\n"
SEAM = "backend/cuda/device.cuh"
# Not in a table: Thrust takes the compiler seconds; MPI and NCCL are packages of their own.
APART = ["loss/batch.cuh", "core/mpi_communicator.hpp", "core/nccl_communicator.hpp",
         "core/nccl_place.hpp", "core/nccl_staging.hpp"]

# Headers without a test file of their own, by the one that tests them: parts of a larger whole, and
# concepts and plain data, which the tests of what uses them exercise.
TESTED_IN = {
    "backend/attention_shape.hpp": "backend/eigen_backend_test.cpp",
    "backend/eigen/product_block.hpp": "backend/product_test.cpp",
    "backend/compute_backend.hpp": "backend/eigen_backend_test.cpp",
    "backend/cuda/activation.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/array.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/attend.cuh": "cuda/attention_test.cpp",
    "backend/cuda/attention_backward.cuh": "cuda/attention_test.cpp",
    "backend/cuda/attention_batched.cuh": "cuda/attention_test.cpp",
    "backend/cuda/attention_form.cuh": "cuda/attention_test.cpp",
    "backend/cuda/attention_heads.cuh": "cuda/attention_test.cpp",
    "backend/cuda/attention_pieces.cuh": "cuda/attention_test.cpp",
    "backend/cuda/attention_plan.cuh": "cuda/attention_test.cpp",
    "backend/cuda/attention_softmax.cuh": "cuda/attention_test.cpp",
    "backend/cuda/attention_tile.cuh": "cuda/attention_test.cpp",
    "backend/cuda/check.cuh": "cuda/emulator_streams_test.cpp",
    "backend/cuda/column_sums.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/context.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/decode.cuh": "cuda/attention_test.cpp",
    "backend/cuda/device.cuh": "cuda/emulator_test.cpp",
    "backend/cuda/draw_order.cuh": "cuda/draw_test.cpp",
    "backend/cuda/elements.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/elementwise.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/embed.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/linear.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/norm.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/norm_heads.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/product.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/product_kind.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/reduce.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/rotate.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/rows.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/temporary.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/upload.cuh": "cuda/cuda_backend_test.cpp",
    "backend/cuda/weight.cuh": "cuda/cuda_backend_test.cpp",
    "backend/draw_options.hpp": "sample/sampling_options_test.cpp",
    "backend/eigen/attention.hpp": "backend/eigen_backend_test.cpp",
    "backend/eigen/bias.hpp": "backend/eigen_backend_test.cpp",
    "backend/eigen/decode.hpp": "backend/eigen_backend_test.cpp",
    "backend/eigen/draw.hpp": "backend/eigen_backend_test.cpp",
    "backend/eigen/elementwise.hpp": "backend/eigen_backend_test.cpp",
    "backend/eigen/eigen_view.hpp": "backend/eigen_backend_test.cpp",
    "backend/eigen/head.hpp": "backend/eigen_backend_test.cpp",
    "backend/eigen/norm.hpp": "backend/eigen_backend_test.cpp",
    "backend/eigen/norm_heads.hpp": "backend/eigen_backend_test.cpp",
    "backend/eigen/packed_weight.hpp": "backend/eigen_backend_test.cpp",
    "backend/eigen/product_operands.hpp": "backend/product_test.cpp",
    "backend/eigen/product_tile.hpp": "backend/product_test.cpp",
    "backend/eigen/rotate.hpp": "backend/eigen_backend_test.cpp",
    "backend/eigen/threads.hpp": "backend/eigen_backend_test.cpp",
    "backend/kinds.hpp": "backend/eigen_backend_test.cpp",
    "backend/matrix_view.hpp": "backend/eigen_backend_test.cpp",
    "backend/profiled.hpp": "backend/eigen_backend_test.cpp",
    "backend/product_kind.hpp": "backend/product_test.cpp",
    "backend/rotation.hpp": "backend/eigen_backend_test.cpp",
    "backend/sampled_token.hpp": "backend/token_sampler_test.cpp",
    "core/bfloat16.hpp": "model/float_format_test.cpp",
    "core/config.hpp": "core/math_test.cpp",
    "core/mpi_communicator.hpp": "mpi/mpi_communicator_test.cpp",
    "core/nccl_communicator.hpp": "cuda/nccl_communicator_test.cpp",
    "core/nccl_place.hpp": "cuda/nccl_communicator_test.cpp",
    "core/nccl_staging.hpp": "cuda/nccl_communicator_test.cpp",
    "core/error.hpp": "core/mapped_file_test.cpp",
    "model/architecture.hpp": "model/checkpoint_test.cpp",
    "eval/judge.hpp": "eval/win_rate_test.cpp",
    "model/architecture_gpt2.hpp": "model/checkpoint_test.cpp",
    "model/architecture_gpt_neo.hpp": "model/architectures_test.cpp",
    "model/architecture_gpt_neox.hpp": "model/architectures_test.cpp",
    "model/architecture_gptj.hpp": "model/architectures_test.cpp",
    "model/architecture_llama.hpp": "model/architectures_test.cpp",
    "model/architecture_mistral.hpp": "model/architectures_test.cpp",
    "model/architecture_qwen.hpp": "model/architectures_test.cpp",
    "model/architecture_smollm3.hpp": "model/architectures_test.cpp",
    "model/layer_windows.hpp": "model/architectures_test.cpp",
    "model/rope_fields.hpp": "model/architectures_test.cpp",
    "model/config_reader.hpp": "model/checkpoint_test.cpp",
    "model/classifier_architecture.hpp": "model/classifier_checkpoint_test.cpp",
    "model/eigen_classifier.hpp": "model/encoder_classifier_test.cpp",
    "model/encoder.hpp": "model/encoder_classifier_test.cpp",
    "model/encoder_config.hpp": "model/encoder_classifier_test.cpp",
    "model/encoder_layout.hpp": "model/encoder_classifier_test.cpp",
    "model/encoder_parameters.hpp": "model/encoder_classifier_test.cpp",
    "model/save_classifier.hpp": "model/classifier_checkpoint_test.cpp",
    "model/decoding_model.hpp": "sample/sampler_test.cpp",
    "model/distribution_model.hpp": "eval/kl_test.cpp",
    "model/eigen_transformer.hpp": "model/transformer_test.cpp",
    "model/ggml_blocks.hpp": "model/gguf_test.cpp",
    "model/ggml_k_blocks.hpp": "model/gguf_test.cpp",
    "model/gguf_description.hpp": "model/save_gguf_test.cpp",
    "model/gguf_llama.hpp": "model/save_gguf_test.cpp",
    "model/gguf_metadata.hpp": "model/gguf_test.cpp",
    "model/gguf_rope.hpp": "model/save_gguf_test.cpp",
    "model/gguf_tokenizer.hpp": "model/checkpoint_test.cpp",
    "model/gguf_writer.hpp": "model/save_gguf_test.cpp",
    "model/json_file.hpp": "model/safetensors_test.cpp",
    "model/language_model.hpp": "train/train_step_test.cpp",
    "model/linear_parameters.hpp": "model/transformer_parameters_test.cpp",
    "model/load_weights.hpp": "model/checkpoint_test.cpp",
    "model/lora_layout.hpp": "model/lora_parameters_test.cpp",
    "model/lora_options.hpp": "model/lora_parameters_test.cpp",
    "model/matrix_parameter.hpp": "model/transformer_parameters_test.cpp",
    "model/safetensors_header.hpp": "model/safetensors_test.cpp",
    "model/safetensors_writer.hpp": "model/safetensors_test.cpp",
    "model/save_tokenizer.hpp": "model/save_checkpoint_test.cpp",
    "model/stored_parts.hpp": "model/checkpoint_test.cpp",
    "model/tensor_match.hpp": "model/checkpoint_test.cpp",
    "model/tensor_shape.hpp": "model/safetensors_test.cpp",
    "model/tensor_source.hpp": "model/checkpoint_test.cpp",
    "model/transformer_blocks.hpp": "model/transformer_test.cpp",
    "model/transformer_config.hpp": "model/transformer_test.cpp",
    "sample/sampling_error.hpp": "sample/sampler_test.cpp",
    "score/classifier_scorer.hpp": "score/ngram_classifier_test.cpp",
    "score/lexicon_file.hpp": "score/lexicon_scorer_test.cpp",
    "score/lexicon_rules.hpp": "score/lexicon_scorer_test.cpp",
    "score/whole_text.hpp": "score/scorer_test.cpp",
    "score/words.hpp": "score/lexicon_scorer_test.cpp",
    "text/sequence_encoder.hpp": "text/load_sequence_encoder_test.cpp",
    "text/tokenizer_json_fields.hpp": "text/tokenizer_json_test.cpp",
    "text/wordpiece_description.hpp": "text/wordpiece_test.cpp",
    "train/cuda/adamw.cuh": "cuda/multi_tensor_test.cpp",
    "train/cuda/gradient_norm.cuh": "cuda/multi_tensor_test.cpp",
    "train/cuda/rmsprop.cuh": "cuda/multi_tensor_test.cpp",
    "train/training_options.hpp": "train/training_loop_test.cpp",
}

# Names of namespace std, by the header that gives them; others are not looked for.
NAMED_IN = {
    "algorithm": "clamp copy fill max min sort stable_sort transform",
    "array": "array", "atomic": "atomic", "bit": "bit_cast", "chrono": "chrono",
    "cmath": "exp isfinite isnan log log1p pow sqrt tanh", "concepts": "convertible_to same_as",
    "cstddef": "byte nullptr_t ptrdiff_t size_t",
    "cstdint": "int16_t int32_t int64_t int8_t uint16_t uint32_t uint64_t uint8_t",
    "cstring": "memcmp memcpy memset", "deque": "deque", "filesystem": "filesystem",
    "fstream": "ifstream ofstream", "functional": "function", "future": "async future",
    "limits": "numeric_limits", "map": "map", "memory": "make_shared make_unique shared_ptr unique_ptr",
    "mutex": "lock_guard mutex unique_lock", "numbers": "numbers", "numeric": "accumulate iota",
    "optional": "nullopt optional", "set": "set", "span": "span",
    "sstream": "istringstream ostringstream", "string": "string to_string",
    "string_view": "string_view", "thread": "thread", "tuple": "tuple",
    "type_traits": "conditional_t is_same_v remove_cvref_t",
    "unordered_map": "unordered_map", "unordered_set": "unordered_set",
    "utility": "exchange forward move pair swap", "variant": "variant visit", "vector": "vector",
}
OTHERS = {"Eigen": "Eigen/", "nlohmann": "nlohmann/"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"](.*)$')

DEFINED = re.compile(r"(PREFOPT_INLINE|inline|template|struct|class|enum|union|using|namespace|"
                     r"static_assert|constexpr|concept|extern)\b")


def includes(file):
    """(line number, included name, what follows on the line) of each include; quoted ones as '"name'."""
    for number, line in enumerate(file.read_text().splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            quote = '"' if found[1] == '"' else ""
            yield number, quote + found[2], found[3].strip()


def headers(root, suffixes=tuple(TABLES)):
    """The headers in folders, as 'folder/x.hpp'."""
    top = root / "include/prefopt"
    return sorted(str(file.relative_to(top)) for file in top.rglob("*.*")
                  if file.suffix in suffixes and file.parent != top)


def check_order(root):
    for header in headers(root, [*TABLES, ".ipp"]):
        file = root / "include/prefopt" / header
        where = f"include/prefopt/{header}"
        folder = header.split("/")[0]
        if folder not in FOLDERS:
            yield f"{where}: {folder} is not one of the folders {' '.join(FOLDERS)}"
            continue
        if "#pragma once" not in file.read_text():
            yield f"{where}: has no #pragma once"
        for number, name, _ in includes(file):
            if name.startswith('"'):
                yield f'{where}:{number}: write #include <prefopt/...>, not {name}"'
            elif name.startswith("prefopt/"):
                other = name.split("/")[1]
                if not (root / "include" / name).is_file():
                    yield f"{where}:{number}: {name} does not exist"
                elif other not in FOLDERS:
                    yield f"{where}:{number}: includes {name}, which is on top of all folders"
                elif FOLDERS.index(other) > FOLDERS.index(folder):
                    yield f"{where}:{number}: {folder} comes before {other}, yet includes {name}"


def check_light(root):
    for top in LIGHT:
        seen, rest = set(), [f"prefopt/{top}"]
        while rest:
            header = rest.pop()
            file = root / "include" / header
            if header in seen:
                continue
            seen.add(header)
            if not file.is_file():
                yield f"include/{header} does not exist"
                continue
            for number, name, _ in includes(file):
                if name.startswith("prefopt/"):
                    rest.append(name)
                elif not re.fullmatch(r"[a-z_0-9]+", name):
                    yield (f"include/{header}:{number}: includes <{name}>, yet {top} needs it and "
                           "must need the standard library alone")


def check_contents(root):
    for suffix, name in TABLES.items():
        if headers(root, [suffix]) or name == "prefopt.hpp":
            yield from check_table(root, suffix, f"include/prefopt/{name}")


def check_table(root, suffix, place):
    table = root / place
    if not table.is_file():
        yield f"{place} does not exist"
        return
    listed, latest = [], 0
    for number, name, phrase in includes(table):
        where = f"{place}:{number}"
        if not name.startswith("prefopt/") or name.split("/")[1] not in FOLDERS:
            yield f"{where}: {name} is not a header of a folder"
            continue
        name = name[len("prefopt/"):]
        if name in listed:
            yield f"{where}: {name} stands twice"
        listed.append(name)
        if not re.fullmatch(r"// \S.*", phrase):
            yield f"{where}: say in a comment on the line what {name} holds"
        index = FOLDERS.index(name.split("/")[0])
        if index < latest:
            yield f"{where}: {name} stands after {FOLDERS[latest]}, not in the folders' order"
        latest = max(latest, index)
    for header in headers(root, [suffix]):
        if header not in listed and header not in APART:
            yield f"{place}: lacks {header}"


def own_test(header):
    folder = "cuda" if header.endswith(".cuh") else header.split("/")[0]
    return f"{folder}/{Path(header).stem}_test.cpp"


def check_tests(root, tested_in):
    known = headers(root)
    for header in known:
        own = root / "tests" / own_test(header)
        if header in tested_in:
            if own.is_file():
                yield f"tests/headers/check_headers.py: {header} has a test of its own, drop its entry"
            elif not (root / "tests" / tested_in[header]).is_file():
                yield f"include/prefopt/{header}: tests/{tested_in[header]} does not exist"
        elif not own.is_file():
            yield f"include/prefopt/{header}: has no tests/{own_test(header)}"
        else:
            first = next((name for _, name, _ in includes(own)), "nothing")
            if first != f"prefopt/{header}":
                yield f"tests/{own_test(header)}: includes {first} first, not prefopt/{header}"
    for header in tested_in:
        if header not in known:
            yield f"tests/headers/check_headers.py: {header}, in TESTED_IN, does not exist"


def check_kernels(root):
    for header in headers(root, [*TABLES, ".ipp"]):
        file = root / "include/prefopt" / header
        where = f"include/prefopt/{header}"
        if file.suffix != ".cuh":
            for number, name, _ in includes(file):
                if name.endswith(".cuh"):
                    yield f"{where}:{number}: a {file.suffix} includes {name}"
        elif header != SEAM:
            for number, line in enumerate(file.read_text().splitlines(), 1):
                code = line.split("//")[0]
                if found := re.search(r"__shared__|<<<|\basm\b", code):
                    yield f"{where}:{number}: {found[0]} belongs into {SEAM} alone"


def check_names(root):
    for header in headers(root, [".hpp", ".ipp"]):
        file = root / "include/prefopt" / header
        code = "\n".join(line.split("//")[0] for line in file.read_text().splitlines())
        included = {name for _, name, _ in includes(file)}
        declarations = file.with_suffix(".hpp")
        if declarations.is_file():
            included |= {name for _, name, _ in includes(declarations)}
        for needed, names in NAMED_IN.items():
            found = re.search(rf"\bstd::({'|'.join(names.split())})\b", code)
            if found and needed not in included:
                yield f"include/prefopt/{header}: uses {found[0]} and does not include <{needed}>"
        for namespace, folder in OTHERS.items():
            if f"{namespace}::" in code and not any(name.startswith(folder) for name in included):
                yield f"include/prefopt/{header}: uses {namespace}:: and includes nothing of {folder}"


def check_definitions(root):
    top = root / "include"
    for name in headers(root, [".ipp"]):
        file = top / "prefopt" / name
        where = f"include/prefopt/{name}"
        declarations = f"prefopt/{Path(name).with_suffix('.hpp')}"
        first = next((included for _, included, _ in includes(file)), "nothing")
        if first != declarations:
            yield f"{where}: includes {first} first, not {declarations}"
        elif not (top / declarations).is_file():
            pass  # check_order says so
        elif not (top / declarations).read_text().endswith(DEFINITIONS.format(name)):
            yield f"include/{declarations}: does not end with the include of {name}, as others do"
        else:
            for number, included, _ in includes(file):
                if included != declarations and declarations in read_with(top, included):
                    yield f"{where}:{number}: {included} comes back to {declarations}"
        yield from check_linkage(file, where)


def read_with(top, header):
    """Every prefopt header that is read with this one, itself among them."""
    seen, rest = set(), [header]
    while rest:
        name = rest.pop()
        if name.startswith("prefopt/") and name not in seen and (top / name).is_file():
            seen.add(name)
            rest += [included for _, included, _ in includes(top / name)]
    return seen


def check_linkage(file, where):
    begins = True  # whether a declaration can begin on the line
    for number, line in enumerate(file.read_text().splitlines(), 1):
        code = line.split("//")[0].rstrip()
        if begins and re.match(r"[\w\[]", code) and not DEFINED.match(code):
            yield f"{where}:{number}: neither PREFOPT_INLINE nor inline, a template or a type"
        if code and not line.startswith("#"):
            begins = code[-1] in ";{}"


def check(root, tested_in=TESTED_IN):
    return [*check_order(root), *check_light(root), *check_contents(root),
            *check_tests(root, tested_in), *check_kernels(root), *check_names(root),
            *check_definitions(root)]


if __name__ == "__main__":
    repository = Path(__file__).resolve().parents[2]
    broken = check(repository)
    print("\n".join(broken) or f"{len(headers(repository))} headers keep the rules")
    sys.exit(1 if broken else 0)
