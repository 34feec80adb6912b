#include <prefopt/model/eigen_classifier.hpp>

template class prefopt::encoder_classifier<prefopt::eigen_backend>;
