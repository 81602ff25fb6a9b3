// An FftPlan's passes by a team, in the memory that it shares.
#ifndef ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_FFT_H_
#define ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_FFT_H_

#include "worker/engine/teams/arguments.h"
#include "worker/engine/teams/team_memory.h"
#include "worker/engine/transforms/butterflies.h"

namespace ondelette::engine {

using Complex = ComplexOf<float>;

// Numbers `apart` each other from place `first` on.
struct TeamIn {
  const Complex* x;
  int first, apart;
  ONDELETTE_PORTABLE Complex operator()(int j) const { return x[Spread(first + j * apart)]; }
};
struct TeamOut {
  Complex* y;
  int first, apart;
  ONDELETTE_PORTABLE void operator()(int k, Complex value) const {
    y[Spread(first + k * apart)] = value;
  }
};

// Butterfly b = q + s p of the pass; it reads q + s (p + m j) and writes q + s (r p + k).
struct Butterfly {
  ONDELETTE_PORTABLE Butterfly(const TeamFft::Pass& pass, int b, const Complex* x, Complex* y) {
    const int p = b / pass.stride, q = b - p * pass.stride;
    in = {x, b, pass.stride * pass.count};
    out = {y, q + pass.stride * pass.radix * p, pass.stride};
    w = pass.twiddles + 2 * pass.radix * p;
  }
  TeamIn in;
  TeamOut out;
  const float* w;
};

// What OddPass leaves in the places of numbers that are opposite to each other.
struct TeamPairs {
  TeamIn in;
  int low, high;
  ONDELETTE_PORTABLE Complex Sum() const { return in(low); }
  ONDELETTE_PORTABLE Complex Difference() const { return in(high); }
  ONDELETTE_PORTABLE void Next() {
    ++low;
    --high;
  }
};

// An odd radix. First every number and the one opposite to it become their sum and their difference,
// in place; then four outputs and those opposite to them are an item of work.
template <typename Team>
ONDELETTE_PORTABLE inline void OddPass(const Team& team, const TeamFft::Pass& pass, Complex* x,
                                       Complex* y) {
  const int butterflies = pass.stride * pass.count, radix = pass.radix, half = radix / 2;
  const int apart = butterflies;
  team.For(butterflies * half, [=](int i) {
    const int j = i / butterflies + 1, b = i - (j - 1) * butterflies;
    Complex& low = x[Spread(b + j * apart)];
    Complex& high = x[Spread(b + (radix - j) * apart)];
    const Complex sum = low + high;
    high = low - high;
    low = sum;
  });
  const int groups = 1 + (half + 3) / 4;
  team.For(butterflies * groups, [=](int i) {
    const int group = i / butterflies;
    const Butterfly at(pass, i - group * butterflies, x, y);
    const Complex first = at.in(0);
    const TeamPairs pair{at.in, 1, radix - 1};
    if (group == 0) {
      Complex sum = first;
      for (int j = 1; j <= half; ++j) sum = sum + at.in(j);
      at.out(0, sum);
      return;
    }
    const int k = 4 * (group - 1) + 1;
    if (k + 3 <= half) {
      OddOutputs<4>(radix, pass.roots, first, pair, k, at.w, at.out);
    } else {
      for (int one = k; one <= half; ++one) {
        OddOutputs<1>(radix, pass.roots, first, pair, one, at.w, at.out);
      }
    }
  });
}

// Transforms `data` with `work`, both of Spread(points) numbers; the result is in whichever is
// returned.
template <typename Team>
ONDELETTE_PORTABLE inline Complex* TeamTransform(const Team& team, const TeamFft& fft,
                                                 Complex* data, Complex* work) {
  for (int which = 0; which < fft.passes; ++which) {
    const TeamFft::Pass& pass = fft.pass[which];
    const int butterflies = pass.stride * pass.count;
    if (pass.radix == 8) {
      team.For(butterflies, [=, &pass](int b) {
        const Butterfly at(pass, b, data, work);
        Butterfly8<true, float>(at.in, at.w, at.out);
      });
    } else if (pass.radix == 4) {
      team.For(butterflies, [=, &pass](int b) {
        const Butterfly at(pass, b, data, work);
        Butterfly4<true, float>(at.in, at.w, at.out);
      });
    } else if (pass.radix == 2) {
      team.For(butterflies, [=, &pass](int b) {
        const Butterfly at(pass, b, data, work);
        Butterfly2<float>(at.in, at.w, at.out);
      });
    } else {
      OddPass(team, pass, data, work);
    }
    Complex* done = work;
    work = data;
    data = done;
  }
  return data;
}

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_FFT_H_
