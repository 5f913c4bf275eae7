"""Rate limiters: one for a process, and one that many processes share."""

from asyncdbaas.ratelimit.limiter import Lane, RateLimiter, WaitQueue, current_lane, priority

__all__ = ["Lane", "RateLimiter", "WaitQueue", "current_lane", "priority"]
