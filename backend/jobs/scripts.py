"""What Redis does in one step of its own, in Lua."""

from __future__ import annotations

STAMP = "return redis.call('HSET', KEYS[1], ARGV[1], redis.call('TIME')[1])"
"""Note the time by Redis's clock: web servers and workers may be on machines whose clocks differ."""
NOTE_CHANGES = """
for i, kind in ipairs({'set', 'hash', 'hash'}) do
    local found = redis.call('TYPE', KEYS[i]).ok
    if found ~= kind and found ~= 'none' then redis.call('DEL', KEYS[i]) end
end
local before = redis.call('HGET', KEYS[2], 'changes')
if before and not (#before < 16 and string.match(before, '^[0-9]+$')) then
    redis.call('HDEL', KEYS[2], 'changes')
end
local now = redis.call('TIME')
if ARGV[3] == '0' then redis.call('SADD', KEYS[1], ARGV[1]) end
local changes = redis.call('HINCRBY', KEYS[2], 'changes', ARGV[2])
redis.call('HSET', KEYS[2], 'last_change', now[1])
if ARGV[3] == '1' then
    redis.call('HSET', KEYS[3], 'webhook', string.format('%d.%06d', now[1], now[2]))
    redis.call('EXPIRE', KEYS[3], ARGV[4])
end
local found = redis.call('HMGET', KEYS[2], 'seen', 'refill_at', 'disconnected', 'try_at')
table.insert(found, 1, changes)
for i = 4, #KEYS do
    for _, field in ipairs({'status', 'retries_left'}) do
        local value = redis.pcall('HGET', KEYS[i], field)
        table.insert(found, type(value) == 'string' and value)
    end
end
return found
"""
"""All that a webhook has to note and to know, in one command: most of what a burst of them waits for.
What is no number, or no hash, is not ours, and makes room."""
