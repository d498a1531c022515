// The functions are inline; a target of C wants a source all the same.
#include "eight_lanes.h"
#include "prefetch.h"
