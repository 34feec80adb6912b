#include <prefopt/text/sequence_template.hpp>

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/bpe.hpp"
#include "support/damage.hpp"
#include "support/temporary_folder.hpp"

namespace prefopt {
namespace {

class sequence_template_of : public testing::Test {
 protected:
  sequence_template read(const std::string& post_processor) {
    test::write_plainly(folder_ / "tokenizer.json",
                        R"({"post_processor": )" + post_processor + "}");
    return read_sequence_template(folder_ / "tokenizer.json");
  }
  void refused(const std::string& post_processor, const std::string& words) {
    test::expect_error<checkpoint_error>([&] { (void)read(post_processor); }, words);
  }
  test::temporary_folder folder_;
};

TEST_F(sequence_template_of, every_kind) {
  EXPECT_EQ(read("null"), sequence_template{});
  EXPECT_EQ(read(R"({"type": "ByteLevel"})"), sequence_template{});
  const sequence_template bert{{7}, {8}};
  EXPECT_EQ(read(R"({"type": "BertProcessing", "sep": ["[SEP]", 8], "cls": ["[CLS]", 7]})"), bert);
  EXPECT_EQ(read(R"({"type": "RobertaProcessing", "sep": ["</s>", 8], "cls": ["<s>", 7]})"), bert);
  EXPECT_EQ(read(R"({"type": "Sequence", "processors": [{"type": "ByteLevel"},
      {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "c", "type_id": 0}},
       {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "s", "type_id": 0}}],
       "special_tokens": {"c": {"ids": [1, 2]}, "s": {"ids": [3]}}}]})"),
            (sequence_template{{1, 2}, {3}}));
}

TEST_F(sequence_template_of, what_is_not_supported_is_named) {
  refused(R"({"type": "Other"})", "post_processor: expected BertProcessing");
  refused(R"({"type": "BertProcessing", "sep": ["[SEP]", 8]})", "post_processor.cls: expected");
  refused(R"({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "B"}}]})",
          "post_processor.single: expected the text A once");
  refused(R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "c"}}]})",
          "post_processor.special_tokens: lacks 'c'");
  refused(R"({"type": "TemplateProcessing", "single": []})", "has no place for the text");
  refused(R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "c", "type_id": 1}},
      {"Sequence": {"id": "A"}}], "special_tokens": {"c": {"ids": [1]}}})",
          "a token type other than 0");
}

TEST(sequence_template, cuts_the_text_and_keeps_its_own_tokens) {
  const sequence_template t{{1}, {2}};
  const token_sequence text{5, 6, 7};
  EXPECT_EQ(t.frame(text, 5), (token_sequence{1, 5, 6, 7, 2}));
  EXPECT_EQ(t.frame(text, 4), (token_sequence{1, 5, 6, 2}));
  EXPECT_EQ(t.frame(text, 4, truncation_side::left), (token_sequence{1, 6, 7, 2}));
  EXPECT_EQ(t.frame(text, 2), (token_sequence{1, 2}));
  test::expect_error<usage_error>([&] { (void)t.frame(text, 1); },
                                  "its special tokens alone are 2");
}

}  // namespace
}  // namespace prefopt
