// Sixteen numbers as the vectors a processor has: one of AVX-512, two of AVX2, four of SSE. GCC's own
// wider vectors would do, but it takes those apart through memory. Included by kernels only
// (lanes.h).
#ifndef ONDELETTE_WORKER_ENGINE_LANES_VECTOR_PARTS_H_
#define ONDELETTE_WORKER_ENGINE_LANES_VECTOR_PARTS_H_

#include <cstdint>

namespace ondelette::engine {
namespace {

#if defined(__AVX512F__)
constexpr int kWidth = 16;
#elif defined(__AVX2__)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;
#endif
constexpr int kLanes = 16;
constexpr int kParts = kLanes / kWidth;

template <typename Number>
struct Parts {
  typedef Number Part __attribute__((vector_size(kWidth * sizeof(Number)), may_alias));
  Part part[kParts];

  Number& operator[](int64_t lane) { return reinterpret_cast<Number*>(part)[lane]; }
  Number operator[](int64_t lane) const { return part[lane / kWidth][lane % kWidth]; }
};

#define ONDELETTE_FOR_PARTS _Pragma("GCC unroll 4") for (int i = 0; i < kParts; ++i)

#define ONDELETTE_OPERATOR(op)                                         \
  template <typename Number>                                           \
  inline Parts<Number> operator op(Parts<Number> a, Parts<Number> b) { \
    ONDELETTE_FOR_PARTS a.part[i] = a.part[i] op b.part[i];            \
    return a;                                                          \
  }                                                                    \
  template <typename Number>                                           \
  inline Parts<Number> operator op(Parts<Number> a, Number b) {        \
    ONDELETTE_FOR_PARTS a.part[i] = a.part[i] op b;                    \
    return a;                                                          \
  }                                                                    \
  template <typename Number>                                           \
  inline Parts<Number> operator op(Number a, Parts<Number> b) {        \
    ONDELETTE_FOR_PARTS b.part[i] = a op b.part[i];                    \
    return b;                                                          \
  }                                                                    \
  template <typename Number, typename Other>                           \
  inline Parts<Number>& operator op##=(Parts<Number>& a, Other b) {    \
    return a = a op b;                                                 \
  }
ONDELETTE_OPERATOR(+)
ONDELETTE_OPERATOR(-)
ONDELETTE_OPERATOR(*)
ONDELETTE_OPERATOR(/)
#undef ONDELETTE_OPERATOR

// All bits of a lane where the comparison holds.
#define ONDELETTE_COMPARISON(op)                                        \
  template <typename Number>                                            \
  inline Parts<int32_t> operator op(Parts<Number> a, Parts<Number> b) { \
    Parts<int32_t> mask;                                                \
    ONDELETTE_FOR_PARTS mask.part[i] = a.part[i] op b.part[i];          \
    return mask;                                                        \
  }                                                                     \
  template <typename Number>                                            \
  inline Parts<int32_t> operator op(Parts<Number> a, Number b) {        \
    Parts<int32_t> mask;                                                \
    ONDELETTE_FOR_PARTS mask.part[i] = a.part[i] op b;                  \
    return mask;                                                        \
  }
ONDELETTE_COMPARISON(<)
ONDELETTE_COMPARISON(>)
ONDELETTE_COMPARISON(<=)
ONDELETTE_COMPARISON(>=)
ONDELETTE_COMPARISON(==)
ONDELETTE_COMPARISON(!=)
#undef ONDELETTE_COMPARISON

template <typename Number>
inline Parts<Number> operator-(Parts<Number> a) {
  ONDELETTE_FOR_PARTS a.part[i] = -a.part[i];
  return a;
}

inline Parts<int32_t> operator&(Parts<int32_t> a, Parts<int32_t> b) {
  ONDELETTE_FOR_PARTS a.part[i] = a.part[i] & b.part[i];
  return a;
}
inline Parts<int32_t> operator<<(Parts<int32_t> a, int bits) {
  ONDELETTE_FOR_PARTS a.part[i] = a.part[i] << bits;
  return a;
}
inline Parts<int32_t> operator>>(Parts<int32_t> a, int bits) {
  ONDELETTE_FOR_PARTS a.part[i] = a.part[i] >> bits;
  return a;
}

// a where the mask is set, b elsewhere.
inline Parts<float> Select(Parts<int32_t> mask, Parts<float> a, Parts<float> b) {
  ONDELETTE_FOR_PARTS a.part[i] = mask.part[i] ? a.part[i] : b.part[i];
  return a;
}

// The same values as other numbers, rounded towards zero.
template <typename To, typename From>
inline Parts<To> Converted(Parts<From> from) {
  Parts<To> to;
  ONDELETTE_FOR_PARTS to.part[i] = __builtin_convertvector(from.part[i], typename Parts<To>::Part);
  return to;
}

// The same bits as numbers of the same size.
template <typename To, typename From>
inline Parts<To> Bits(Parts<From> from) {
  Parts<To> to;
  ONDELETTE_FOR_PARTS to.part[i] = (typename Parts<To>::Part)from.part[i];
  return to;
}

#undef ONDELETTE_FOR_PARTS

}  // namespace
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_VECTOR_PARTS_H_
