#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
