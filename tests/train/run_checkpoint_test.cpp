#include <prefopt/train/run_checkpoint.hpp>

#include <fstream>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefopt/train/adamw.hpp>

#include "support/damage.hpp"
#include "support/temporary_folder.hpp"
#include "train/bigram_model.hpp"
#include "train/small_data.hpp"

namespace prefopt {
namespace {

using testing::HasSubstr;

const run_settings settings = {{"batch_size", "4"}, {"data", "abc"}};

/// A model and an optimizer that have made a step.
struct run {
  test::bigram_model model{5};
  std::vector<parameter> parameters = model.parameters();
  adamw optimizer;

  void make_step() {
    for (const parameter& p : parameters) {
      for (std::size_t i = 0; i < p.gradient.size(); ++i) {
        p.gradient[i] = 0.1F * static_cast<float>(i % 7) - 0.2F;
      }
    }
    optimizer.step(parameters, 0.01);
  }
};

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "no error";
}

class run_checkpoints_test : public testing::Test {
 protected:
  void save(std::size_t step) {
    saved.make_step();
    run_checkpoints(folder.path(), 2).save(step, saved.parameters, saved.optimizer, settings);
  }
  std::string load_error(const run_settings& now = settings) {
    run other;
    return message_of(
        [&] { run_checkpoints(folder.path(), 2).load(1, other.parameters, other.optimizer, now); });
  }
  std::filesystem::path file(const char* name) { return folder.path() / "step-00000001" / name; }

  test::temporary_folder folder;
  run saved;
};

TEST_F(run_checkpoints_test, restores_weights_and_optimizer_bit_for_bit) {
  save(1);
  run other;
  run_checkpoints(folder.path(), 2).load(1, other.parameters, other.optimizer, settings);
  EXPECT_EQ(other.model.weights(), saved.model.weights());
  EXPECT_EQ(other.optimizer.steps(), 1U);
  saved.make_step();
  other.make_step();
  EXPECT_EQ(other.model.weights(), saved.model.weights());
}

TEST_F(run_checkpoints_test, keeps_the_last_ones_and_no_rubbish) {
  for (std::size_t step = 1; step <= 4; ++step) save(step);
  EXPECT_EQ(run_checkpoints(folder.path(), 2).steps(), (std::vector<std::size_t>{3, 4}));
  std::filesystem::create_directory(folder / ".step-00000005.writing");
  std::ofstream(folder / ".step-00000005.writing/weights.safetensors") << "half";
  EXPECT_EQ(run_checkpoints(folder.path(), 2).steps(), (std::vector<std::size_t>{3, 4}));
  std::size_t entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    entries += entry.exists() ? 1 : 0;
  }
  EXPECT_EQ(entries, 2U);
}

TEST_F(run_checkpoints_test, names_every_setting_that_differs) {
  save(1);
  const std::string message = load_error({{"batch_size", "8"}, {"data", "abd"}, {"seed", "1"}});
  EXPECT_THAT(message, HasSubstr("batch_size is 8 now, and was 4"));
  EXPECT_THAT(message, HasSubstr("data is abd now, and was abc"));
  EXPECT_THAT(message, HasSubstr("seed is 1 now, and was not recorded"));
  EXPECT_THAT(load_error({{"data", "abc"}}), HasSubstr("batch_size is not set now"));
}

TEST_F(run_checkpoints_test, refuses_another_model) {
  save(1);
  test::bigram_model larger(6);
  adamw optimizer;
  EXPECT_THAT(message_of([&] {
                run_checkpoints(folder.path(), 2).load(1, larger.parameters(), optimizer, settings);
              }),
              HasSubstr("tensor 'table': has shape"));
}

TEST_F(run_checkpoints_test, notices_a_flipped_bit) {
  save(1);
  std::string bytes = test::content_of(file("weights.safetensors"));
  bytes[bytes.size() - 3] ^= 1;
  std::ofstream(file("weights.safetensors"), std::ios::binary) << bytes;
  EXPECT_THAT(load_error(), HasSubstr("does not have the hash"));
}

TEST_F(run_checkpoints_test, refuses_what_is_missing_or_truncated) {
  save(1);
  const std::string bytes = test::content_of(file("optimizer.safetensors"));
  std::ofstream(file("optimizer.safetensors"), std::ios::binary) << bytes.substr(0, 50);
  EXPECT_THAT(load_error(), HasSubstr("optimizer.safetensors"));
  std::filesystem::remove(file("optimizer.safetensors"));
  EXPECT_THAT(load_error(), HasSubstr("optimizer.safetensors"));
  std::ofstream(file("run.json")) << "{\"format\": \"prefopt run 1\"}";
  EXPECT_THAT(load_error(), HasSubstr("run.json: step: is absent"));
  std::ofstream(file("run.json")) << "{\"format\": 3}";
  EXPECT_THAT(load_error(), HasSubstr("run.json: format: is absent"));
  std::ofstream(file("run.json")) << "";
  EXPECT_THAT(load_error(), HasSubstr("run.json"));
}

TEST_F(run_checkpoints_test, saves_no_weight_that_is_not_finite) {
  save(1);
  saved.parameters[1].value[2] = std::numeric_limits<float>::infinity();
  const run_checkpoints checkpoints(folder.path(), 2);
  EXPECT_THROW(checkpoints.save(2, saved.parameters, saved.optimizer, settings), numeric_error);
  EXPECT_EQ(checkpoints.steps(), (std::vector<std::size_t>{1}));
}

TEST_F(run_checkpoints_test, says_where_it_cannot_write) {
  std::ofstream(folder / "file") << "not a folder";
  EXPECT_THROW(run_checkpoints(folder / "file", 2), data_error);
}

TEST_F(run_checkpoints_test, meets_any_damage_with_an_error_of_ours) {
  save(1);
  for (const char* name : {"run.json", "weights.safetensors", "optimizer.safetensors"}) {
    const std::string good = test::content_of(file(name));
    const auto outcome = test::try_damaged(good, 100, [&](const std::string& bytes) {
      test::write_plainly(file(name), bytes);
      run other;
      run_checkpoints(folder.path(), 2).load(1, other.parameters, other.optimizer, settings);
      // What loads all the same has lost nothing that counts.
      EXPECT_EQ(other.model.weights(), saved.model.weights()) << name;
    });
    EXPECT_GT(outcome.refused, 50) << name;
    test::write_plainly(file(name), good);
  }
}

}  // namespace
}  // namespace prefopt
