#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace prefopt {

/// The names of the classes, from `id2label` of a config.json, else LABEL_0, LABEL_1, ... of
/// `num_labels` (2 where that is absent too), as transformers has them. Throws `checkpoint_error`.
std::vector<std::string> read_labels(const nlohmann::ordered_json& fields, const std::string& file);

/// The class whose probability is the reward. `name`: a label as the checkpoint spells it, or in
/// other capitals where only one is spelled so. Without a name: the only class there is, or the
/// only one called POSITIVE or nothate (the two rewards of Amini et al. 2024, section 6). Throws
/// `usage_error` that lists the labels where that leaves none or several: the model has to be asked
/// which one is good.
std::size_t reward_class(const std::vector<std::string>& labels, std::string_view name = "");

}  // namespace prefopt

#if !defined(PREFOPT_COMPILED)
#include <prefopt/model/classifier_labels.ipp>
#endif
