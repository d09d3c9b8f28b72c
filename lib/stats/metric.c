#include "stats/metric.h"

#define X(id, name, help) [METRIC_##id] = name,
const char *const metric_name[METRIC_COUNT] = {METRIC_TABLE(X)};
#undef X
