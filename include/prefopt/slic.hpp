#pragma once

// `prefopt::slic(delta, lambda)` and everything else that needs the standard library alone: the
// same header as odpo.hpp under the name that you may be looking for.

#include <prefopt/odpo.hpp>
