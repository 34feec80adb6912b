#pragma once

// The light library: losses on preference pairs and one training step on a model of your own. It
// needs the standard library alone. In the order in which a pair meets them:

// clang-format off
#include <prefopt/core/communicator.hpp>        // the concept: several processes; one process
#include <prefopt/core/config.hpp>              // PREFOPT_HD, the version
#include <prefopt/core/error.hpp>               // usage_error, score_error, numeric_error
#include <prefopt/core/math.hpp>                // float exp, log, logistic for loops that vectorize
#include <prefopt/core/random.hpp>              // random_stream

#include <prefopt/data/preference_dataset.hpp>  // ranked_pair
#include <prefopt/data/preference_pair.hpp>     // preference_pair: prompt, chosen, rejected
#include <prefopt/data/scored_response.hpp>     // scored_response: prompt, text, score
#include <prefopt/data/response_batch.hpp>      // response_batch: prompts with their responses

#include <prefopt/offset/offset_policy.hpp>     // the concept: two scores -> offset
#include <prefopt/offset/no_offset.hpp>         // 0
#include <prefopt/offset/constant.hpp>          // c
#include <prefopt/offset/log_diff.hpp>          // log(s_w - s_l)
#include <prefopt/offset/diff_log.hpp>          // log s_w - log s_l
#include <prefopt/offset/identity.hpp>          // s_w - s_l
#include <prefopt/offset/alpha_scaled.hpp>      // alpha * offset
#include <prefopt/offset/clamped.hpp>           // lowest <= offset <= highest
#include <prefopt/offset/sum_of.hpp>            // offset + offset

#include <prefopt/loss/pair_terms.hpp>          // pair_terms in, pair_gradient out; pair_loss
#include <prefopt/loss/implicit_reward.hpp>     // reference_log_ratio, reference_free, per token
#include <prefopt/loss/link.hpp>                // logistic, hinge, squared, label_smoothed, robust
#include <prefopt/loss/regularizer.hpp>         // no_regularizer, winner_nll, target_nll
#include <prefopt/loss/margin_loss.hpp>         // link(beta * h - offset) + regularizer
#include <prefopt/loss/presets.hpp>             // dpo odpo slic ipo cdpo robust_dpo rso simpo ...
#include <prefopt/loss/dual.hpp>                // dual numbers
#include <prefopt/loss/functions.hpp>           // sigmoid, log_sigmoid, ... for formulas
#include <prefopt/loss/differentiated.hpp>      // a pair_loss of a value-only formula
#include <prefopt/loss/validate.hpp>            // score_error for ties and the like
#include <prefopt/loss/batch.hpp>               // a loss over arrays of pairs

#include <prefopt/model/language_model.hpp>     // the concept that your model satisfies

#include <prefopt/pair/pair_sampler.hpp>        // the concept: scores of a prompt's responses -> pairs
#include <prefopt/pair/all_pairs.hpp>           // every pair with unequal scores
#include <prefopt/pair/best_vs_worst.hpp>       // the k best against the k worst
#include <prefopt/pair/random_pairs.hpp>        // some of them by chance
#include <prefopt/pair/first_two.hpp>           // the first two responses

#include <prefopt/train/preference_batch.hpp>   // what one step sees
#include <prefopt/train/preference_metrics.hpp> // what one step reports
#include <prefopt/train/train_step.hpp>         // forward, losses, backward
// clang-format on
