#include <prefopt/core/rank_environment.hpp>

#include <map>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefopt {
namespace {

using variables = std::map<std::string, std::string>;

const variables of_torchrun{{"RANK", "5"},
                            {"WORLD_SIZE", "8"},
                            {"LOCAL_RANK", "1"},
                            {"MASTER_ADDR", "gpu07"},
                            {"MASTER_PORT", "29500"}};
const variables of_srun{{"SLURM_STEP_NUM_TASKS", "16"}, {"SLURM_PROCID", "9"},
                        {"SLURM_LOCALID", "1"},         {"SLURM_STEP_NODELIST", "gpu[07-08]"},
                        {"SLURM_JOB_ID", "123456"},     {"SLURM_STEP_ID", "2"}};

std::optional<rank_environment> read(const variables& all) {
  return read_rank_environment([&](const std::string& name) {
    const auto found = all.find(name);
    return found == all.end() ? std::nullopt : std::optional<std::string>(found->second);
  });
}

variables changed(variables all, const std::string& name, const std::string& value) {
  all[name] = value;
  return all;
}

variables without(variables all, const std::string& name) {
  all.erase(name);
  return all;
}

std::string refusal(const variables& all) {
  try {
    (void)read(all);
  } catch (const usage_error& problem) {
    return problem.what();
  }
  return "";
}

TEST(rank_environment, reads_what_torchrun_says) {
  const auto found = read(of_torchrun);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 5U);
  EXPECT_EQ(found->size, 8U);
  EXPECT_EQ(found->local_rank, 1U);
  EXPECT_EQ(found->host, "gpu07");
  EXPECT_EQ(found->port, 29501);  // torchrun itself listens at 29500
}

TEST(rank_environment, reads_what_srun_says) {
  const auto found = read(of_srun);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rank, 9U);
  EXPECT_EQ(found->size, 16U);
  EXPECT_EQ(found->local_rank, 1U);
  EXPECT_EQ(found->host, "gpu07");
  EXPECT_EQ(found->port, 20000 + (31 * 123456 + 2) % 10000);
  const auto next = read(changed(of_srun, "SLURM_STEP_ID", "3"));
  EXPECT_NE(next->port, found->port) << "two steps of a job are apart";
}

TEST(rank_environment, finds_nothing_where_nobody_started_several) {
  EXPECT_FALSE(read({}));
  EXPECT_FALSE(read({{"MASTER_ADDR", "gpu07"}, {"MASTER_PORT", "29500"}}));
  // As a batch script has them, which runs once.
  EXPECT_FALSE(read({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}, {"SLURM_LOCALID", "0"}}));
}

TEST(rank_environment, torchrun_within_a_step_of_slurm_counts) {
  variables both = of_srun;
  both.insert(of_torchrun.begin(), of_torchrun.end());
  EXPECT_EQ(read(both)->size, 8U);
}

TEST(rank_environment, names_the_variable_that_is_missing) {
  for (const variables& all : {of_torchrun, of_srun}) {
    for (const auto& [name, value] : all) {
      if (name == "SLURM_STEP_NUM_TASKS") continue;  // without it nothing is a sign
      EXPECT_THAT(refusal(without(all, name)),
                  testing::StartsWith("environment variable " + name + " is not set, yet "));
      EXPECT_THAT(refusal(changed(all, name, "")), testing::HasSubstr(name + " is not set"));
    }
  }
}

TEST(rank_environment, names_the_variable_that_makes_no_sense) {
  EXPECT_EQ(refusal(changed(of_torchrun, "RANK", "8")),
            "environment variable RANK is '8'; expected 0 to 7");
  EXPECT_EQ(refusal(changed(of_torchrun, "LOCAL_RANK", "6")),
            "environment variable LOCAL_RANK is '6'; expected 0 to 5");
  for (const char* nonsense : {"-1", "x", "1x", " 1", "99999999999999999999", "65535"}) {
    EXPECT_EQ(
        refusal(changed(of_torchrun, "MASTER_PORT", nonsense)),
        std::string("environment variable MASTER_PORT is '") + nonsense + "'; expected 1 to 65534");
  }
  EXPECT_THAT(refusal(changed(of_torchrun, "WORLD_SIZE", "0")), testing::HasSubstr("WORLD_SIZE"));
  EXPECT_THAT(refusal(changed(of_srun, "SLURM_STEP_NUM_TASKS", "two")),
              testing::HasSubstr("SLURM_STEP_NUM_TASKS is 'two'"));
  EXPECT_THAT(refusal(changed(of_srun, "SLURM_JOB_ID", "12_3")),
              testing::HasSubstr("SLURM_JOB_ID is '12_3'"));
}

TEST(rank_environment, finds_the_first_host_of_slurms_list) {
  EXPECT_EQ(detail::first_host("login"), "login");
  EXPECT_EQ(detail::first_host("a1,a2"), "a1");
  EXPECT_EQ(detail::first_host("gpu[007-009,12]"), "gpu007");
  EXPECT_EQ(detail::first_host("gpu[3,7]"), "gpu3");
  EXPECT_EQ(detail::first_host("rack[2-3]n[10-11]-ib,x"), "rack2n10-ib");
  EXPECT_EQ(detail::first_host("gpu["), "gpu");
}

}  // namespace
}  // namespace prefopt
