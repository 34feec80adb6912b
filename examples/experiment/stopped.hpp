#pragma once

#include "support/stopped.hpp"

namespace experiment {

using tools::stop_if_asked;
using tools::stopped;

}  // namespace experiment
