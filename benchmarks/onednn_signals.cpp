// Shows why prefopt does not train with oneDNN's dnnl_sgemm: with 2.6.3 on AVX-512 a signal whose
// handler only counts, handled while a product runs, corrupts the heap.
//
//     onednn_signals 0    products without signals: prints "0 wrong numbers"
//     onednn_signals 1    the same with a signal every few milliseconds: usually aborts

#include <oneapi/dnnl/dnnl.h>
#include <sys/time.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {
std::atomic<int> signals{0};
}

int main(int argc, char** argv) {
  struct sigaction action {};
  action.sa_handler = [](int) { ++signals; };
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval often{{0, 4000}, {0, 4000}};
  if (argc > 1 && std::atoi(argv[1]) != 0) setitimer(ITIMER_REAL, &often, nullptr);
  long wrong = 0;
  for (int round = 0; round < 1500; ++round) {
    const dnnl_dim_t m = 1 + round * 37 % 300;
    const dnnl_dim_t n = 96;
    const dnnl_dim_t k = 1 + round * 101 % 800;
    const char order = round % 2 == 0 ? 'N' : 'T';
    const std::vector<float> a(static_cast<std::size_t>(m * k), 1.0F);
    const std::vector<float> b(static_cast<std::size_t>(k * n), 1.0F);
    std::vector<float> c(static_cast<std::size_t>(m * n), 0.0F);
    dnnl_sgemm(order, 'N', m, n, k, 1.0F, a.data(), order == 'T' ? m : k, b.data(), n, 0.0F,
               c.data(), n);
    for (const float value : c) wrong += value != static_cast<float>(k) ? 1 : 0;
  }
  std::printf("%d signals, %ld wrong numbers\n", signals.load(), wrong);
}
