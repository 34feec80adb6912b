#include <prefopt/model/eigen_transformer.hpp>

template class prefopt::transformer<prefopt::eigen_backend>;
