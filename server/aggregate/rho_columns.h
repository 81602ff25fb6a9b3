// Which columns of a record make rho (equations 8 and 9), for each treatment of the sink that a
// spec has.
#ifndef ONDELETTE_SERVER_AGGREGATE_RHO_COLUMNS_H_
#define ONDELETTE_SERVER_AGGREGATE_RHO_COLUMNS_H_

#include <vector>

#include "common/spec/columns.h"
#include "common/spec/spec.h"

namespace ondelette::server {

// Indexes into Columns(spec); -1 where the spec has no key-shuffled null.
struct RhoColumns {
  bool sink_dropped = false;
  int positional_entropy = -1;
  int spectral_entropy = -1;
  int positional_entropy_key_shuffled = -1;
  int spectral_entropy_key_shuffled = -1;
};

// Sink kept before sink dropped. A spec whose own sink is dropped has the latter alone, in its
// plain columns.
std::vector<RhoColumns> RhoColumnsOf(const Spec& spec);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_AGGREGATE_RHO_COLUMNS_H_
