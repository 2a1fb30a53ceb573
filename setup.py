"""Build the extension: the same C source once per instruction set, each with its own flags, linked into one module.

Everything else about the package is in pyproject.toml.
"""

import copy
import os
import platform
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError, CompileError

# No -ffast-math, ever: it deletes the NaN handling and, when linked, flushes subnormals in the whole process.
# Contraction is off so that every FMA is one we wrote, and v3, v4 and arm64 give the same bits.
# -fopenmp-simd reads the "omp simd" before a loop and needs no runtime. Jump threading would turn two selects on one
# condition into branches, which end vectorisation. Unroll-and-jam doubles loops that vectors fill already. Debug
# information of so much inlined code takes a quarter of the build and makes the binary four times as large.
FLAGS = [
    "-O3",
    "-g0",
    "-std=gnu11",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=off",
    "-fopenmp-simd",
    "-fno-thread-jumps",
    "-fno-loop-unroll-and-jam",
    "-fvisibility=hidden",
    "-Wno-psabi",  # of vectors wider than registers, which only inlined functions take and return
]

# For processors of before 2013: the same vector code, less unrolled.
QUICKLY = {"v2": ["-O2", "-ftree-vectorize"]}

if platform.machine().lower() in ("x86_64", "amd64"):
    # One instruction set compiles in a third of the time: FASTLOSS_BUILD_ISA=v3 make build, while at work on the C.
    asked = os.environ.get("FASTLOSS_BUILD_ISA", "v2 v3 v4")
    VERSIONS = asked.split()
    if not VERSIONS or not {"v2", "v3", "v4"}.issuperset(VERSIONS):
        sys.exit(f"FASTLOSS_BUILD_ISA is {asked!r}: expected some of v2, v3 and v4, separated by spaces; or unset it")
    ISA = {f"src_c/isa/x86_64_{v}.c": [f"-march=x86-64-{v}", *QUICKLY.get(v, [])] for v in VERSIONS}
    MACROS = [("FL_X86_64", "1"), *((f"FL_X86_64_{v.upper()}", "1") for v in VERSIONS)]
else:
    ISA = {"src_c/isa/baseline.c": []}
    MACROS = []


class BuildKernels(build_ext):
    """Compile the instruction sets, each with its flags, and the driver, with OpenMP where the compiler has it."""

    def build_extension(self, ext: Extension) -> None:
        """Build, or say why the library will run without."""
        try:
            self.build_kernels(ext)
        except (OSError, BaseError, CCompilerError) as error:
            self.warn(
                "the compiled engine cannot be built: fastloss will run on its slow NumPy references. It needs a C "
                f"compiler (gcc or clang) and Python's headers. What failed: {error}"
            )
            raise CompileError(str(error)) from error  # for setuptools an OSError is not optional

    def build_kernels(self, ext: Extension) -> None:
        """Compile everything side by side, the largest files first, and link."""
        openmp = self.find_openmp()
        if not openmp:
            self.warn("the compiler has no OpenMP: fastloss will run on one thread")
        flags = ISA | dict.fromkeys(ext.sources, openmp)

        def compile_one(source: str) -> list[str]:
            return self.compiler.compile(
                [source],
                output_dir=self.build_temp,
                macros=ext.define_macros,
                include_dirs=ext.include_dirs,
                extra_postargs=FLAGS + flags[source],
            )

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            objects = [name for names in pool.map(compile_one, flags) for name in names]
        linked = copy.copy(ext)  # ext itself stays as it is, for another build and for an sdist
        linked.sources, linked.depends, linked.extra_link_args = [], objects, openmp
        linked.extra_objects = objects
        super().build_extension(linked)

    def find_openmp(self) -> list[str]:
        """The OpenMP flag that compiles and links, or none."""
        source = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"
        compiler = getattr(self.compiler, "compiler", None)
        if not compiler or os.environ.get("FASTLOSS_OPENMP") == "0":
            return []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "probe.c")
            path.write_text(source)
            command = [*compiler, str(path), "-fopenmp", "-o", str(path.with_suffix(""))]
            try:
                subprocess.run(command, check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError):
                return []
        return ["-fopenmp"]


# What a source distribution needs beside the sources; cythonize puts the C in the place of the pyx.
SHIPPED = [
    *(str(path) for ending in ("pyx", "pxi") for path in sorted(Path("fastloss").glob(f"*.{ending}"))),
    *(str(path) for path in Path("src_c").rglob("*") if path.suffix in (".h", ".c")),
]
ENGINE = Extension(
    "fastloss._engine",
    ["fastloss/_engine.pyx", "src_c/dispatch.c", "src_c/driver.c", "src_c/memory.c"],
    include_dirs=["src_c", numpy.get_include()],
    define_macros=[*MACROS, ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
    depends=SHIPPED,
)

if sys.argv[1:2] == ["clean"]:
    modules = []
else:
    modules = cythonize([ENGINE], force=True)
    # Without a compiler the install goes on, and the library runs on its NumPy references; whoever works on the
    # engine asks for a failure. Set here, for cythonize does not pass it on.
    modules[0].optional = os.environ.get("FASTLOSS_REQUIRE_ENGINE") != "1"

setup(ext_modules=modules, cmdclass={"build_ext": BuildKernels})
