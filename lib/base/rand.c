#include "base/rand.h"

void
rand_init(struct rand *r, uint64_t seed)
{
    seed += 0x9e3779b97f4a7c15U;
    seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9U;
    seed = (seed ^ (seed >> 27)) * 0x94d049bb133111ebU;
    seed ^= seed >> 31;
    r->state = seed != 0 ? seed : 1;
}

uint64_t
rand_u64(struct rand *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545f4914f6cdd1dU;
}

uint32_t
rand_below(struct rand *r, uint32_t n)
{
    return (uint32_t)(((rand_u64(r) >> 32) * n) >> 32);
}
