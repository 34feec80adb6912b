// The unit that scripts/cuda_resources compiles: it has every kernel, for the functions that launch
// them are no templates, or are instantiated here.
#include <prefopt/cuda.cuh>
