#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <emulator/block.hpp>

namespace emulator {

/// *address = f(*address) in one go, and what was there before. Atomic for the host's threads too.
template <class T, class Function>
T update_atomically(T* address, Function f) {
  block::running().preempt();
  using bits = std::conditional_t<sizeof(T) == 8, std::uint64_t,
                                  std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint16_t>>;
  static_assert(sizeof(T) == sizeof(bits) && std::is_trivially_copyable_v<T>);
  auto* const place = reinterpret_cast<bits*>(address);
  bits expected = __atomic_load_n(place, __ATOMIC_RELAXED);
  for (;;) {
    T before;
    std::memcpy(static_cast<void*>(&before), &expected, sizeof before);
    const T after = f(before);
    bits desired;
    std::memcpy(&desired, static_cast<const void*>(&after), sizeof after);
    if (__atomic_compare_exchange_n(place, &expected, desired, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED)) {
      return before;
    }
  }
}

/// So that atomicAdd(float*, 1) means what it says.
template <class T>
using same = std::type_identity_t<T>;

}  // namespace emulator

template <class T>
T atomicAdd(T* address, emulator::same<T> value) {
  return emulator::update_atomically(address, [=](T old) { return static_cast<T>(old + value); });
}
template <class T>
T atomicSub(T* address, emulator::same<T> value) {
  return emulator::update_atomically(address, [=](T old) { return static_cast<T>(old - value); });
}
template <class T>
T atomicMax(T* address, emulator::same<T> value) {
  return emulator::update_atomically(address, [=](T old) { return std::max(old, value); });
}
template <class T>
T atomicMin(T* address, emulator::same<T> value) {
  return emulator::update_atomically(address, [=](T old) { return std::min(old, value); });
}
template <class T>
T atomicOr(T* address, emulator::same<T> value) {
  return emulator::update_atomically(address, [=](T old) { return old | value; });
}
template <class T>
T atomicAnd(T* address, emulator::same<T> value) {
  return emulator::update_atomically(address, [=](T old) { return old & value; });
}
template <class T>
T atomicExch(T* address, emulator::same<T> value) {
  return emulator::update_atomically(address, [=](T) { return value; });
}
template <class T>
T atomicCAS(T* address, emulator::same<T> expected, emulator::same<T> value) {
  return emulator::update_atomically(address, [=](T old) { return old == expected ? value : old; });
}
