#pragma once

#include <prefopt/model/classifier_architecture.hpp>

#include <cstddef>

#include <nlohmann/json.hpp>

#include <prefopt/core/config.hpp>
#include <prefopt/core/error.hpp>
#include <prefopt/model/architecture.hpp>
#include <prefopt/model/config_reader.hpp>

namespace prefopt {

namespace detail {

/// BERT's fields, which RoBERTa shares.
inline encoder_config read_bert_fields(config_reader& config, std::size_t vocabulary,
                                       std::size_t positions, std::size_t types) {
  encoder_config result;
  result.vocabulary = config.count("vocab_size", vocabulary);
  result.width = config.count("hidden_size", 768);
  result.layers = config.count("num_hidden_layers", 12);
  result.heads = config.count("num_attention_heads", 12);
  if (result.width % result.heads != 0) {
    config.fail("num_attention_heads", "does not divide hidden_size");
  }
  result.hidden = config.count("intermediate_size", 3072);
  result.position_rows = config.count("max_position_embeddings", positions);
  result.token_types = config.count("type_vocab_size", types);
  result.norm_epsilon = config.positive("layer_norm_eps", 1e-12);
  result.activation = read_activation(config, "hidden_act", "gelu");
  config.only("position_embedding_type", "absolute");
  config.harmless({"hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout",
                   "layerdrop", "output_past", "directionality", "pooler_fc_size",
                   "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head",
                   "pooler_type", "add_pooling_layer", "tie_word_embeddings"});
  return result;
}

inline nlohmann::ordered_json write_bert_fields(const encoder_config& config) {
  return {{"vocab_size", config.vocabulary},
          {"hidden_size", config.width},
          {"num_hidden_layers", config.layers},
          {"num_attention_heads", config.heads},
          {"intermediate_size", config.hidden},
          {"max_position_embeddings", config.position_rows},
          {"type_vocab_size", config.token_types},
          {"layer_norm_eps", config.norm_epsilon},
          {"hidden_act", activation_name(config.activation)},
          {"hidden_dropout_prob", 0.0},
          {"attention_probs_dropout_prob", 0.0},
          {"position_embedding_type", "absolute"}};
}

inline encoder_config read_bert(config_reader& config) {
  return read_bert_fields(config, 30522, 512, 2);
}

/// RoBERTa's positions begin after the padding token's number.
inline encoder_config read_roberta(config_reader& config) {
  encoder_config result = read_bert_fields(config, 50265, 512, 2);
  // pad_token_id may be 0, so it is no count.
  const std::size_t padding = config.whole("pad_token_id", 1);
  result.first_position = padding + 1;
  if (result.first_position >= result.position_rows) {
    config.fail("max_position_embeddings", "leaves no position after pad_token_id");
  }
  return result;
}

inline nlohmann::ordered_json write_roberta(const encoder_config& config) {
  nlohmann::ordered_json fields = write_bert_fields(config);
  fields["pad_token_id"] = config.first_position - 1;
  return fields;
}

inline encoder_config read_distilbert(config_reader& config) {
  encoder_config result;
  result.vocabulary = config.count("vocab_size", 30522);
  result.width = config.count("dim", 768);
  result.layers = config.count("n_layers", 6);
  result.heads = config.count("n_heads", 12);
  if (result.width % result.heads != 0) config.fail("n_heads", "does not divide dim");
  result.hidden = config.count("hidden_dim", 3072);
  result.position_rows = config.count("max_position_embeddings", 512);
  result.norm_epsilon = 1e-12;
  result.activation = read_activation(config, "activation", "gelu");
  result.head_activation = activation_kind::relu;
  // Sinusoidal positions are stored like learned ones.
  config.harmless({"dropout", "attention_dropout", "qa_dropout", "seq_classif_dropout",
                   "sinusoidal_pos_embds", "tie_weights_", "tie_word_embeddings"});
  return result;
}

inline nlohmann::ordered_json write_distilbert(const encoder_config& config) {
  return {{"vocab_size", config.vocabulary},
          {"dim", config.width},
          {"n_layers", config.layers},
          {"n_heads", config.heads},
          {"hidden_dim", config.hidden},
          {"max_position_embeddings", config.position_rows},
          {"activation", activation_name(config.activation)},
          {"sinusoidal_pos_embds", false},
          {"dropout", 0.0},
          {"attention_dropout", 0.0},
          {"seq_classif_dropout", 0.0}};
}

inline std::vector<name_rule> bert_layer_names() {
  return {{"embedding", {"embeddings.word_embeddings"}},
          {"positions", {"embeddings.position_embeddings"}},
          {"token_types", {"embeddings.token_type_embeddings"}},
          {"embedding_norm", {"embeddings.LayerNorm"}},
          {"layers.{}.attention.qkv",
           {"encoder.layer.{}.attention.self.query", "encoder.layer.{}.attention.self.key",
            "encoder.layer.{}.attention.self.value"}},
          {"layers.{}.attention.output", {"encoder.layer.{}.attention.output.dense"}},
          {"layers.{}.attention_norm", {"encoder.layer.{}.attention.output.LayerNorm"}},
          {"layers.{}.feed_forward.up", {"encoder.layer.{}.intermediate.dense"}},
          {"layers.{}.feed_forward.down", {"encoder.layer.{}.output.dense"}},
          {"layers.{}.feed_forward_norm", {"encoder.layer.{}.output.LayerNorm"}}};
}

inline std::vector<name_rule> with(std::vector<name_rule> rules, std::vector<name_rule> more) {
  rules.insert(rules.end(), more.begin(), more.end());
  return rules;
}

}  // namespace detail

PREFOPT_INLINE classifier_architecture bert_classifier() {
  return {.model_type = "bert",
          .class_name = "BertForSequenceClassification",
          .prefix = "bert.",
          .names = detail::with(
              detail::bert_layer_names(),
              {{"head.dense", {"pooler.dense"}},
               {.parameter = "head.output", .stored = {"classifier"}, .outside = true}}),
          .ignored = {"embeddings.position_ids"},
          .other_heads = {"cls."},
          .read = detail::read_bert,
          .write = detail::write_bert_fields};
}

PREFOPT_INLINE classifier_architecture roberta_classifier() {
  return {.model_type = "roberta",
          .class_name = "RobertaForSequenceClassification",
          .prefix = "roberta.",
          .names = detail::with(
              detail::bert_layer_names(),
              {{.parameter = "head.dense", .stored = {"classifier.dense"}, .outside = true},
               {.parameter = "head.output", .stored = {"classifier.out_proj"}, .outside = true}}),
          .ignored = {"embeddings.position_ids", "embeddings.token_type_ids"},
          .other_heads = {"lm_head.", "roberta.pooler.", "pooler."},
          .read = detail::read_roberta,
          .write = detail::write_roberta};
}

PREFOPT_INLINE classifier_architecture distilbert_classifier() {
  return {
      .model_type = "distilbert",
      .class_name = "DistilBertForSequenceClassification",
      .prefix = "distilbert.",
      .names = {{"embedding", {"embeddings.word_embeddings"}},
                {"positions", {"embeddings.position_embeddings"}},
                {"embedding_norm", {"embeddings.LayerNorm"}},
                {"layers.{}.attention.qkv",
                 {"transformer.layer.{}.attention.q_lin", "transformer.layer.{}.attention.k_lin",
                  "transformer.layer.{}.attention.v_lin"}},
                {"layers.{}.attention.output", {"transformer.layer.{}.attention.out_lin"}},
                {"layers.{}.attention_norm", {"transformer.layer.{}.sa_layer_norm"}},
                {"layers.{}.feed_forward.up", {"transformer.layer.{}.ffn.lin1"}},
                {"layers.{}.feed_forward.down", {"transformer.layer.{}.ffn.lin2"}},
                {"layers.{}.feed_forward_norm", {"transformer.layer.{}.output_layer_norm"}},
                {.parameter = "head.dense", .stored = {"pre_classifier"}, .outside = true},
                {.parameter = "head.output", .stored = {"classifier"}, .outside = true}},
      .ignored = {"embeddings.position_ids"},
      .other_heads = {"vocab_transform.", "vocab_layer_norm.", "vocab_projector."},
      .read = detail::read_distilbert,
      .write = detail::write_distilbert};
}

PREFOPT_INLINE const std::vector<classifier_architecture>& classifier_architectures() {
  static const std::vector<classifier_architecture> table{bert_classifier(), roberta_classifier(),
                                                          distilbert_classifier()};
  return table;
}

PREFOPT_INLINE const classifier_architecture& find_classifier_architecture(
    std::string_view model_type, const std::string& file) {
  std::string known;
  for (const auto& entry : classifier_architectures()) {
    if (entry.model_type == model_type) return entry;
    known += (known.empty() ? "" : ", ") + std::string(entry.model_type);
  }
  throw checkpoint_error(file, "",
                         "holds a model of type '" + std::string(model_type.substr(0, 100)) +
                             "', which is no classifier that is supported; expected one of " +
                             known);
}

}  // namespace prefopt
