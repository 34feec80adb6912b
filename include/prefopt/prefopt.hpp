#pragma once

// Everything on the CPU, in the order in which data flows. The light part alone, which needs
// nothing but the standard library, is odpo.hpp.

// core/: errors, files, random numbers
#include <prefopt/core/atomic_file.hpp>    // a file that appears whole or not at all
#include <prefopt/core/atomic_folder.hpp>  // a folder that does
#include <prefopt/core/bfloat16.hpp>       // float32 to bfloat16 and back
#include <prefopt/core/communicator.hpp>   // the concept: several processes; one process
#include <prefopt/core/config.hpp>         // the version; PREFOPT_HD, what a kernel may call
#include <prefopt/core/error.hpp>          // the errors: usage, data, checkpoint, score, numeric
#include <prefopt/core/folder_lock.hpp>    // one writer of a folder at a time
#include <prefopt/core/local_rank.hpp>     // which of its machine's ranks one is
#include <prefopt/core/mapped_file.hpp>    // a file's bytes, mapped to memory
#include <prefopt/core/math.hpp>           // exp, log, logistic in float for loops that vectorize
#include <prefopt/core/progress.hpp>       // a bar with rate and time left, or plain lines
#include <prefopt/core/random.hpp>         // random numbers as a function of (seed, purpose, index)
#include <prefopt/core/rank_environment.hpp>   // what torchrun and Slurm tell a rank
#include <prefopt/core/stale_temporaries.hpp>  // what killed processes left of atomic files
#include <prefopt/core/stream_purpose.hpp>     // what random numbers are for, each apart

// data/: the nouns, and data sets in files
#include <prefopt/data/compression.hpp>            // plain, gzip, xz, zstd: which one a file is
#include <prefopt/data/csv_file.hpp>               // rows of CSV, line breaks in fields and all
#include <prefopt/data/decompressor.hpp>           // bytes of each of them, in pieces
#include <prefopt/data/input_file.hpp>             // a file to read, compressed or not
#include <prefopt/data/json_row.hpp>               // fields of a line, with errors that name them
#include <prefopt/data/line_reader.hpp>            // lines, numbered
#include <prefopt/data/output_file.hpp>            // a file to write, whole or not at all
#include <prefopt/data/preference_dataset.hpp>     // tokenized prompts, responses and pairs of them
#include <prefopt/data/preference_pair.hpp>        // prompt, chosen and rejected
#include <prefopt/data/preferences_file.hpp>       // pairs under TRL's column names
#include <prefopt/data/rated_posts_file.hpp>       // posts with rated responses, the authors' form
#include <prefopt/data/response_batch.hpp>         // what a model computes in one go
#include <prefopt/data/reviews_file.hpp>           // IMDB's reviews
#include <prefopt/data/scored_response.hpp>        // prompt, text and score
#include <prefopt/data/scored_responses_file.hpp>  // scored responses, one a line
#include <prefopt/data/summarized_posts_file.hpp>  // posts with the summaries their authors wrote
#include <prefopt/data/token.hpp>                  // token_id
#include <prefopt/data/toxicity_prompts_file.hpp>  // RealToxicityPrompts
#include <prefopt/data/tweets_file.hpp>            // tweets classified as hateful or not

// text/: tokenizers
#include <prefopt/text/added_token_finder.hpp>     // special tokens in a text
#include <prefopt/text/bert_normalizer.hpp>        // what BERT does to a text before it cuts it
#include <prefopt/text/bpe_description.hpp>        // what a tokenizer's files say
#include <prefopt/text/byte_alphabet.hpp>          // the letters that stand for bytes
#include <prefopt/text/byte_level_bpe.hpp>         // the tokenizer of GPT-2 and its relatives
#include <prefopt/text/load_sequence_encoder.hpp>  // that of a classifier's folder
#include <prefopt/text/load_tokenizer.hpp>         // whichever of them a folder has
#include <prefopt/text/merge_table.hpp>            // words to tokens, merge by merge
#include <prefopt/text/sequence_encoder.hpp>       // texts to what a classifier reads
#include <prefopt/text/sequence_template.hpp>      // [CLS] text [SEP], and what is cut
#include <prefopt/text/tokenize_dataset.hpp>       // rows of text -> a data set of tokens
#include <prefopt/text/tokenizer.hpp>              // the concept: text to tokens and back
#include <prefopt/text/tokenizer_file.hpp>         // files of tokenizers that may be damaged
#include <prefopt/text/tokenizer_json.hpp>         // tokenizer.json
#include <prefopt/text/tokenizer_json_fields.hpp>  // its parts by name and type
#include <prefopt/text/train_bpe.hpp>              // merges learnt from texts
#include <prefopt/text/utf8.hpp>                   // characters and broken bytes
#include <prefopt/text/vocab_merges.hpp>           // vocab.json and merges.txt
#include <prefopt/text/vocab_txt.hpp>              // BERT's vocab.txt
#include <prefopt/text/word_splitter.hpp>          // text to words, before merging
#include <prefopt/text/wordpiece.hpp>              // the tokenizer of BERT and its relatives
#include <prefopt/text/wordpiece_description.hpp>  // what its files say
#include <prefopt/text/wordpiece_json.hpp>         // its tokenizer.json
#include <prefopt/text/write_tokenizer.hpp>        // the same files, written

// offset/: how far apart a pair must end up
#include <prefopt/offset/alpha_scaled.hpp>   // alpha * offset
#include <prefopt/offset/clamped.hpp>        // lowest <= offset <= highest
#include <prefopt/offset/constant.hpp>       // c
#include <prefopt/offset/diff_log.hpp>       // log s_w - log s_l
#include <prefopt/offset/identity.hpp>       // s_w - s_l
#include <prefopt/offset/log_diff.hpp>       // log(s_w - s_l)
#include <prefopt/offset/no_offset.hpp>      // 0
#include <prefopt/offset/offset_policy.hpp>  // the concept: two scores -> nats
#include <prefopt/offset/sum_of.hpp>         // offset + offset

// loss/: the other axes of a loss, presets, evaluation
#include <prefopt/loss/any_pair_loss.hpp>    // a loss chosen at run time
#include <prefopt/loss/batch.hpp>            // a loss over arrays of pairs, threads optional
#include <prefopt/loss/differentiated.hpp>   // a pair_loss of a value-only formula
#include <prefopt/loss/dual.hpp>             // numbers that carry their derivatives
#include <prefopt/loss/functions.hpp>        // sigmoid and others, of plain and of dual numbers
#include <prefopt/loss/implicit_reward.hpp>  // the axis h: log ratio, no reference, per token
#include <prefopt/loss/link.hpp>             // the axis link: logistic, hinge, squared, label noise
#include <prefopt/loss/margin_loss.hpp>      // link(beta * h - offset) + regularizer
#include <prefopt/loss/named_loss.hpp>       // a loss by its name in options
#include <prefopt/loss/pair_terms.hpp>  // terms in, value and derivatives out; the concept pair_loss
#include <prefopt/loss/presets.hpp>     // dpo, odpo, slic, ipo, cdpo, robust_dpo, rso, simpo, ...
#include <prefopt/loss/regularizer.hpp>  // the axis of what else is kept
#include <prefopt/loss/validate.hpp>     // score_error for ties and the like

// backend/: where arrays live and the operations on them
#include <prefopt/backend/attention_shape.hpp>  // heads, where they stand and what they see
#include <prefopt/backend/compute_backend.hpp>  // the concept: arrays and the operations on them
#include <prefopt/backend/draw_options.hpp>     // temperature, top-k, top-p
#include <prefopt/backend/eigen/array.hpp>      // aligned floats
#include <prefopt/backend/eigen/attention.hpp>  // attention of packed segments
#include <prefopt/backend/eigen/bias.hpp>       // biases and their gradients
#include <prefopt/backend/eigen/decode.hpp>     // attention over a cache
#include <prefopt/backend/eigen/draw.hpp>       // a token from each row of logits
#include <prefopt/backend/eigen/eigen_backend.hpp>  // the backend made of these
#include <prefopt/backend/eigen/eigen_view.hpp>     // our views as Eigen's
#include <prefopt/backend/eigen/elementwise.hpp>    // activations, sums, embeddings
#include <prefopt/backend/eigen/head.hpp>           // token log-probs without whole logits
#include <prefopt/backend/eigen/lanes.hpp>          // sums in a fixed order
#include <prefopt/backend/eigen/norm.hpp>           // layer and RMS norm
#include <prefopt/backend/eigen/norm_heads.hpp>     // RMS norm of query and key heads
#include <prefopt/backend/eigen/packed_weight.hpp>  // products whose rows do not depend on each other
#include <prefopt/backend/eigen/product.hpp>        // matrix products of gradients
#include <prefopt/backend/eigen/product_block.hpp>  // the part of a product that is computed together
#include <prefopt/backend/eigen/product_operands.hpp>  // factors as a tile reads them, rounded or not
#include <prefopt/backend/eigen/product_tile.hpp>      // the tile that all products are made of
#include <prefopt/backend/eigen/rotate.hpp>            // rotary positions
#include <prefopt/backend/eigen/threads.hpp>           // when more threads are worth it
#include <prefopt/backend/kinds.hpp>                   // kinds of norms and activations
#include <prefopt/backend/matrix_view.hpp>             // a matrix that somebody else owns
#include <prefopt/backend/operation_profile.hpp>       // where the time goes
#include <prefopt/backend/packed_batch.hpp>            // [x | y_1 | ... | y_M] as rows
#include <prefopt/backend/product_kind.hpp>            // float32, tf32, bfloat16
#include <prefopt/backend/profiled.hpp>                // a backend whose operations are measured
#include <prefopt/backend/rotation.hpp>                // which coordinates turn, and how far
#include <prefopt/backend/sampled_token.hpp>           // a token and its log-prob
#include <prefopt/backend/token_sampler.hpp>  // a row of logits -> a token and its log-prob

// model/: language models and their checkpoints
#include <prefopt/model/any_classifier.hpp>         // a classifier of any backend
#include <prefopt/model/any_transformer.hpp>        // a decoder of any backend
#include <prefopt/model/architecture.hpp>           // one kind of checkpoint
#include <prefopt/model/architecture_gpt2.hpp>      // GPT-2
#include <prefopt/model/architecture_gpt_neo.hpp>   // GPT-Neo
#include <prefopt/model/architecture_gpt_neox.hpp>  // GPT-NeoX and Pythia
#include <prefopt/model/architecture_gptj.hpp>      // GPT-J
#include <prefopt/model/architecture_llama.hpp>     // Llama, and what its family shares
#include <prefopt/model/architecture_mistral.hpp>   // Mistral
#include <prefopt/model/architecture_qwen.hpp>      // Qwen2, Qwen2.5 and Qwen3
#include <prefopt/model/architecture_smollm3.hpp>   // SmolLM3
#include <prefopt/model/architectures.hpp>          // the table of them
#include <prefopt/model/checkpoint.hpp>             // open_checkpoint: a folder or a GGUF file
#include <prefopt/model/checkpoint_tokenizer.hpp>   // the tokenizer of a checkpoint
#include <prefopt/model/classifier.hpp>  // the concept: tokens of a text -> logits of classes
#include <prefopt/model/classifier_architecture.hpp>  // BERT, DistilBERT, RoBERTa
#include <prefopt/model/classifier_checkpoint.hpp>  // open_classifier: a folder, with or without a head
#include <prefopt/model/classifier_labels.hpp>      // names of classes, and which one is the reward
#include <prefopt/model/config_reader.hpp>          // fields of config.json
#include <prefopt/model/decoding_model.hpp>         // the concept: token by token over a cache
#include <prefopt/model/distribution_model.hpp>  // the concept: whole next-token distributions
#include <prefopt/model/eigen_classifier.hpp>    // the classifier on the processor
#include <prefopt/model/eigen_transformer.hpp>   // the decoder on the processor
#include <prefopt/model/encoder.hpp>             // layers that see all of a text, over any backend
#include <prefopt/model/encoder_classifier.hpp>  // them with a head
#include <prefopt/model/encoder_config.hpp>      // what tells one of them from another
#include <prefopt/model/encoder_layout.hpp>      // names and shapes of parameters
#include <prefopt/model/encoder_parameters.hpp>  // the parameters and their gradients
#include <prefopt/model/find_model.hpp>          // a model's name -> folder or GGUF file
#include <prefopt/model/float_format.hpp>        // float32, float16, bfloat16
#include <prefopt/model/ggml_blocks.hpp>         // quantized blocks to floats
#include <prefopt/model/ggml_k_blocks.hpp>       // the same of K-quants
#include <prefopt/model/gguf.hpp>                // GGUF in
#include <prefopt/model/gguf_description.hpp>    // what a GGUF file says of a model
#include <prefopt/model/gguf_llama.hpp>          // keys and names that most kinds share in GGUF
#include <prefopt/model/gguf_metadata.hpp>       // a GGUF file's keys
#include <prefopt/model/gguf_rope.hpp>           // rotation in GGUF
#include <prefopt/model/gguf_tokenizer.hpp>      // the tokenizer in a GGUF file
#include <prefopt/model/gguf_writer.hpp>         // tensors and keys to a GGUF file
#include <prefopt/model/json_file.hpp>           // JSON that may be damaged
#include <prefopt/model/language_model.hpp>     // the concepts: log-probs and gradients; parameters
#include <prefopt/model/layer_windows.hpp>      // which layers have a window
#include <prefopt/model/linear_parameters.hpp>  // a matrix, its bias, and what adapters add
#include <prefopt/model/load_weights.hpp>       // a file's arrays into parameters
#include <prefopt/model/lora_adapter.hpp>       // PEFT's adapters in and out
#include <prefopt/model/lora_layout.hpp>        // the matrices that have an adapter
#include <prefopt/model/lora_options.hpp>       // rank, alpha, targets
#include <prefopt/model/lora_parameters.hpp>    // A and B of every one
#include <prefopt/model/matrix_parameter.hpp>   // a matrix and its gradient
#include <prefopt/model/ordered_parameters.hpp>  // parameters in the order of a layout
#include <prefopt/model/reference_view.hpp>      // the model with its adapter off
#include <prefopt/model/rope_fields.hpp>         // what config.json says about rotation
#include <prefopt/model/rotary_frequencies.hpp>  // how far a position turns each pair
#include <prefopt/model/safetensors.hpp>         // safetensors in, one file or sharded
#include <prefopt/model/safetensors_header.hpp>  // what a safetensors file says it holds
#include <prefopt/model/safetensors_writer.hpp>  // safetensors out
#include <prefopt/model/save_checkpoint.hpp>     // a folder that transformers reads
#include <prefopt/model/save_classifier.hpp>     // the same of a classifier
#include <prefopt/model/save_gguf.hpp>           // a file that llama.cpp reads
#include <prefopt/model/save_tokenizer.hpp>      // the tokenizer's files of a checkpoint
#include <prefopt/model/stored_parts.hpp>        // how files name and store parameters
#include <prefopt/model/tensor_match.hpp>        // parameters and the arrays that hold them
#include <prefopt/model/tensor_shape.hpp>        // products of sides that may not fit
#include <prefopt/model/tensor_source.hpp>       // a file of named arrays
#include <prefopt/model/transformer.hpp>         // the decoder, over any backend
#include <prefopt/model/transformer_blocks.hpp>  // its layers, forward and backward
#include <prefopt/model/transformer_cache.hpp>   // keys and values of prompts and rows that decode
#include <prefopt/model/transformer_config.hpp>  // what tells one decoder from another
#include <prefopt/model/transformer_layout.hpp>  // names and shapes of parameters
#include <prefopt/model/transformer_parameters.hpp>  // its parameters and their gradients

// sample/: responses from a model
#include <prefopt/sample/sampler.hpp>           // responses to prompts, batched over a cache
#include <prefopt/sample/sampling_error.hpp>    // a logit that is not finite
#include <prefopt/sample/sampling_options.hpp>  // temperature, top-k, top-p, lengths, seed

// score/: rewards of responses
#include <prefopt/score/classifier_scorer.hpp>       // its p(positive) as a score
#include <prefopt/score/lexicon_file.hpp>            // valences of words, in VADER's format
#include <prefopt/score/lexicon_rules.hpp>           // VADER's degree words, negations and phrases
#include <prefopt/score/lexicon_scorer.hpp>          // how positive a text is, by VADER's rules
#include <prefopt/score/ngram_classifier.hpp>        // a linear classifier over them, trained here
#include <prefopt/score/reward.hpp>                  // the paper's forms of p(positive)
#include <prefopt/score/scorer.hpp>                  // the concept: prompt and response -> score
#include <prefopt/score/transformer_classifier.hpp>  // a transformer's probability of a class
#include <prefopt/score/whole_text.hpp>              // a scorer of prompt and response as one text
#include <prefopt/score/word_ngrams.hpp>             // hashed n-grams of words
#include <prefopt/score/words.hpp>                   // text to words, as Python has them

// pair/: scored responses -> pairs
#include <prefopt/pair/all_pairs.hpp>      // every pair with unequal scores
#include <prefopt/pair/best_vs_worst.hpp>  // the best against the worst
#include <prefopt/pair/first_two.hpp>      // the first two responses
#include <prefopt/pair/named_sampler.hpp>  // a sampler by its name
#include <prefopt/pair/pair_sampler.hpp>   // the concept: scores of a prompt's responses -> pairs
#include <prefopt/pair/random_pairs.hpp>   // some pairs by chance

// train/: from pairs to a trained policy
#include <prefopt/train/adamw.hpp>               // AdamW
#include <prefopt/train/any_optimizer.hpp>       // one chosen at run time
#include <prefopt/train/classifier_trainer.hpp>  // fine-tuning a classifier on labelled texts
#include <prefopt/train/content_hash.hpp>        // whether weights or data are still the same
#include <prefopt/train/data_order.hpp>          // the order of an epoch
#include <prefopt/train/gradient_norm.hpp>       // clipping
#include <prefopt/train/gradient_sum.hpp>        // adding gradients while others are computed
#include <prefopt/train/loss_fingerprint.hpp>    // whether a loss is still the same
#include <prefopt/train/loss_probe.hpp>          // what a loss needs of a batch
#include <prefopt/train/metrics_file.hpp>        // metrics as JSON lines
#include <prefopt/train/optimizer.hpp>           // the concept, and gradient_descent
#include <prefopt/train/pair_gathering.hpp>      // pairs of a data set to batches
#include <prefopt/train/preference_batch.hpp>    // what one step sees
#include <prefopt/train/preference_metrics.hpp>  // what one step reports
#include <prefopt/train/preference_trainer.hpp>  // fine-tuning on pairs
#include <prefopt/train/reference_store.hpp>     // the reference's log-probs, computed once
#include <prefopt/train/rmsprop.hpp>             // RMSprop
#include <prefopt/train/run_checkpoint.hpp>      // a run that can be resumed
#include <prefopt/train/run_start.hpp>           // what a run starts from
#include <prefopt/train/schedule.hpp>            // warm-up, then constant, linear or cosine
#include <prefopt/train/several_ranks.hpp>       // what the processes of a run agree on
#include <prefopt/train/sft_trainer.hpp>         // fine-tuning on texts
#include <prefopt/train/sgd.hpp>                 // SGD with momentum
#include <prefopt/train/sharded.hpp>             // an optimizer whose memory is spread over them
#include <prefopt/train/stop_signal.hpp>         // SIGINT and SIGTERM
#include <prefopt/train/tensorboard_file.hpp>    // metrics for TensorBoard
#include <prefopt/train/train_step.hpp>          // forward, losses, backward
#include <prefopt/train/training_loop.hpp>       // steps, metrics, checkpoints
#include <prefopt/train/training_options.hpp>    // settings of a run

// eval/: how good it is
#include <prefopt/eval/bootstrap.hpp>      // means with intervals
#include <prefopt/eval/chat_cache.hpp>     // a chat model's answers, kept on disk
#include <prefopt/eval/chat_client.hpp>    // asks it until an answer comes
#include <prefopt/eval/chat_http.hpp>      // over HTTP, where cpp-httplib is found
#include <prefopt/eval/chat_judge.hpp>     // a chat model as a judge
#include <prefopt/eval/chat_limits.hpp>    // pauses that a server asks for
#include <prefopt/eval/chat_message.hpp>   // requests and answers of the OpenAI-compatible kind
#include <prefopt/eval/gnuplot.hpp>        // pictures by gnuplot
#include <prefopt/eval/judge.hpp>          // the concept: which of two responses is better
#include <prefopt/eval/judge_prompt.hpp>   // the question it is asked, and its answer read
#include <prefopt/eval/kl.hpp>             // KL from the reference: exact, k1, k3
#include <prefopt/eval/pareto.hpp>         // the front of reward against KL
#include <prefopt/eval/report.hpp>         // tables as text, Markdown and CSV
#include <prefopt/eval/rouge.hpp>          // ROUGE-L: words in common with a reference
#include <prefopt/eval/tradeoff_plot.hpp>  // reward against KL
#include <prefopt/eval/training_plot.hpp>  // a run's metrics over its steps
#include <prefopt/eval/win_rate.hpp>       // how often a judge prefers one system to another
