"""check_headers.py notices each kind of mistake, in a small tree of its own."""

import tempfile
import unittest
from pathlib import Path

import check_headers

GOOD = {
    "include/prefopt/core/a.hpp": "#pragma once\n#include <vector>\n",
    "include/prefopt/loss/b.hpp": "#pragma once\n#include <prefopt/core/a.hpp>\n",
    "include/prefopt/model/c.hpp": "#pragma once\n#include <Eigen/Core>\n",
    "include/prefopt/odpo.hpp": "#include <prefopt/loss/b.hpp>\n",
    "include/prefopt/dpo.hpp": "#include <prefopt/loss/b.hpp>\n",
    "include/prefopt/slic.hpp": "#include <prefopt/loss/b.hpp>\n",
    "include/prefopt/prefopt.hpp": "#include <prefopt/core/a.hpp>  // a thing\n"
                                   "#include <prefopt/loss/b.hpp>  // another\n"
                                   "#include <prefopt/model/c.hpp>  // a third\n",
    "tests/core/a_test.cpp": "#include <prefopt/core/a.hpp>\n",
    "tests/loss/b_test.cpp": "#include <prefopt/loss/b.hpp>\n",
    "tests/model/c_test.cpp": "// why\n#include <prefopt/model/c.hpp>\n",
}


class Rules(unittest.TestCase):
    def broken(self, changes, tested_in={}):
        """What is reported of GOOD with `changes`; a file changed to None is left out."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**GOOD, **changes}.items():
                if text is not None:
                    file = Path(folder) / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text)
            return check_headers.check(Path(folder), tested_in)

    def expect(self, part, changes, tested_in={}):
        broken = self.broken(changes, tested_in)
        self.assertEqual(len(broken), 1, broken)
        self.assertIn(part, broken[0])

    def test_good_tree(self):
        self.assertEqual(self.broken({}), [])

    def test_order(self):
        self.expect("core comes before loss", {
            "include/prefopt/core/a.hpp": "#pragma once\n#include <prefopt/loss/b.hpp>\n"})
        self.expect("on top of all folders", {
            "include/prefopt/loss/b.hpp": "#pragma once\n#include <prefopt/odpo.hpp>\n"})
        self.expect("does not exist", {
            "include/prefopt/model/c.hpp": "#pragma once\n#include <prefopt/core/x.hpp>\n"})
        self.expect("not \"c.hpp\"", {
            "include/prefopt/model/c.hpp": "#pragma once\n#include \"c.hpp\"\n"})
        self.expect("no #pragma once", {"include/prefopt/core/a.hpp": "\n"})

    def test_light(self):
        broken = self.broken({
            "include/prefopt/core/a.hpp": "#pragma once\n#include <nlohmann/json.hpp>\n"})
        self.assertEqual(len(broken), 3, broken)  # odpo, dpo and slic
        self.assertIn("standard library alone", broken[0])
        self.expect("include/prefopt/slic.hpp does not exist", {"include/prefopt/slic.hpp": None})

    def test_contents(self):
        table = GOOD["include/prefopt/prefopt.hpp"].splitlines(keepends=True)
        changed = lambda lines: {"include/prefopt/prefopt.hpp": "".join(lines)}
        self.expect("lacks model/c.hpp", changed(table[:2]))
        self.expect("not in the folders' order", changed([table[1], table[0], table[2]]))
        self.expect("stands twice", changed([*table, table[2]]))
        self.expect("say in a comment", changed([*table[:2], "#include <prefopt/model/c.hpp>\n"]))

    def test_tests(self):
        self.expect("has no tests/core/a_test.cpp", {"tests/core/a_test.cpp": None})
        self.expect("includes vector first", {
            "tests/core/a_test.cpp": "#include <vector>\n#include <prefopt/core/a.hpp>\n"})

    def test_definitions(self):
        tail = "\n#if !defined(PREFOPT_COMPILED)\n#include <prefopt/core/a.ipp>\n#endif\n"
        header = {"include/prefopt/core/a.hpp": "#pragma once\n#include <vector>\nint f();\n" + tail}
        begin = "#pragma once\n#include <prefopt/core/a.hpp>\n"
        code = lambda text: {"include/prefopt/core/a.ipp": text}
        self.assertEqual(self.broken(header | code(begin + "PREFOPT_INLINE int f() {\n}\n")), [])
        self.expect("not prefopt/core/a.hpp", header | code("#pragma once\n#include <vector>\n"))
        self.expect("does not end with", code(begin))
        self.expect("prefopt/core/x.hpp does not exist", {
            "include/prefopt/core/x.ipp": "#pragma once\n#include <prefopt/core/x.hpp>\n"})
        self.expect("neither PREFOPT_INLINE", header | code(begin + "int f() {\n}\n"))
        self.expect("uses std::map", header | code(begin + "inline std::map<int, int> m() {\n}\n"))
        self.expect("a .ipp includes", header | code(
            begin + "#include <prefopt/core/k.cuh>\n") | {
                "include/prefopt/core/k.cuh": "#pragma once\n",
                "include/prefopt/cuda.cuh": "#include <prefopt/core/k.cuh>  // a kernel\n",
                "tests/cuda/k_test.cpp": "#include <prefopt/core/k.cuh>\n"})
        self.expect("no #pragma once", header | code("#include <prefopt/core/a.hpp>\n"))
        back = header | code(begin + "#include <prefopt/core/d.hpp>\n") | {
            "include/prefopt/core/d.hpp": "#pragma once\n#include <prefopt/core/a.hpp>\n",
            "tests/core/d_test.cpp": "#include <prefopt/core/d.hpp>\n",
            "include/prefopt/prefopt.hpp": "#include <prefopt/core/d.hpp>  // a fourth\n" +
                                           GOOD["include/prefopt/prefopt.hpp"]}
        self.expect("comes back to prefopt/core/a.hpp", back)

    def test_nested_headers(self):
        nested = {"include/prefopt/model/deep/c.hpp": "#pragma once\n#include <Eigen/Core>\n",
                  "include/prefopt/model/c.hpp": None,
                  "include/prefopt/prefopt.hpp":
                      GOOD["include/prefopt/prefopt.hpp"].replace("model/c", "model/deep/c")}
        test = "#include <prefopt/model/deep/c.hpp>\n"
        self.assertEqual(self.broken({**nested, "tests/model/c_test.cpp": test}), [])

    def test_headers_tested_elsewhere(self):
        elsewhere = {"core/a.hpp": "loss/b_test.cpp"}
        self.assertEqual(self.broken({"tests/core/a_test.cpp": None}, elsewhere), [])
        self.expect("drop its entry", {}, elsewhere)
        self.expect("tests/loss/x_test.cpp does not exist", {"tests/core/a_test.cpp": None},
                    {"core/a.hpp": "loss/x_test.cpp"})
        self.expect("in TESTED_IN, does not exist", {}, {"core/x.hpp": "core/a_test.cpp"})

    def test_kernels(self):
        good = {"include/prefopt/model/k.cuh": "#pragma once\n#include <prefopt/model/c.hpp>\n",
                "include/prefopt/cuda.cuh": "#include <prefopt/model/k.cuh>  // kernels\n",
                "tests/cuda/k_test.cpp": "#include <prefopt/model/k.cuh>\n"}
        self.assertEqual(self.broken(good), [])
        self.expect("include/prefopt/cuda.cuh does not exist",
                    {**good, "include/prefopt/cuda.cuh": None})
        self.expect("include/prefopt/cuda.cuh: lacks model/k.cuh",
                    {**good, "include/prefopt/cuda.cuh": ""})
        self.expect("has no tests/cuda/k_test.cpp", {**good, "tests/cuda/k_test.cpp": None})
        self.expect("k.cuh:2: __shared__ belongs into", {
            **good, "include/prefopt/model/k.cuh": "#pragma once\n__shared__ int x;\n"})
        self.expect("a .hpp includes prefopt/model/k.cuh", {
            **good, "include/prefopt/model/c.hpp": "#pragma once\n#include <prefopt/model/k.cuh>\n"})

    def test_names(self):
        header = "include/prefopt/core/a.hpp"
        uses = lambda code: {header: "#pragma once\n#include <vector>\n" + code}
        self.assertEqual(self.broken(uses("std::vector<int> a();  // as std::span\n")), [])
        self.expect("uses std::span and does not include <span>", uses("void a(std::span<int>);\n"))
        self.expect("includes nothing of Eigen/", {
            "include/prefopt/model/c.hpp": "#pragma once\nvoid c(Eigen::Index);\n"})


if __name__ == "__main__":
    unittest.main()
