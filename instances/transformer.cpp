#include <prefopt/model/eigen_transformer.hpp>

namespace prefopt {

template class linear_parameters<eigen_backend>;
template class lora_part<eigen_backend>;
template class lora_parameters<eigen_backend>;
template class transformer_parameters<eigen_backend>;
template class transformer_blocks<eigen_backend>;
template class transformer_cache<eigen_backend>;
template class transformer<eigen_backend>;

}  // namespace prefopt
