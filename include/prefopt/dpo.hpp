#pragma once

// `prefopt::dpo(beta)` and everything else that needs the standard library alone: DPO is ODPO
// without an offset, so this is the same header under the name that you may be looking for.

#include <prefopt/odpo.hpp>
