#include <prefopt/model/eigen_classifier.hpp>

namespace prefopt {

template class encoder_parameters<eigen_backend>;
template class encoder<eigen_backend>;
template class encoder_classifier<eigen_backend>;

}  // namespace prefopt
