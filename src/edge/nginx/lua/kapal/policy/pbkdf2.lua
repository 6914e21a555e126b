-- PBKDF2-HMAC-SHA256 (RFC 8018 5.2) in slices, between which the worker serves others: tens of milliseconds of hashing must
-- not stop it. Not in a thread: from its first thread on a process takes locks for each piece of memory, in each request.
local ffi = require "ffi"
local digest = require "kapal.digest"

ffi.cdef [[
typedef struct { uint32_t words[8]; uint32_t low, high, data[16]; unsigned int pending, length; } kapal_sha256_t;
void SHA256_Transform(kapal_sha256_t *state, const unsigned char *block);
int SHA256_Init(kapal_sha256_t *state);
]]

local C = ffi.C
local bit = require "bit"
local bswap, bxor = bit.bswap, bit.bxor

local M = {}

-- Some half a millisecond.
local SLICE = 4000
local BLOCK, DIGEST = 64, 32

-- The state of SHA-256 after one block: the key with each byte changed, as HMAC begins (RFC 2104 2).
local function begun(key, change)
  local state, block = ffi.new "kapal_sha256_t", ffi.new("uint8_t[?]", BLOCK)
  ffi.copy(block, key, #key)
  for index = 0, BLOCK - 1 do block[index] = bxor(block[index], change) end
  C.SHA256_Init(state)
  C.SHA256_Transform(state, block)
  return state
end

-- A block that holds a digest behind a first one, padded (FIPS 180-4 5.1.1).
local function block_for_digest()
  local block = ffi.new("uint32_t[?]", BLOCK / 4)
  block[DIGEST / 4] = bswap(0x80000000)
  block[BLOCK / 4 - 1] = bswap((BLOCK + DIGEST) * 8)
  return block
end

-- One hash over the block, from a state, into another block or the same: its words as they come next.
local function hash(state, from, block, into)
  ffi.copy(state.words, from.words, DIGEST)
  C.SHA256_Transform(state, ffi.cast("const unsigned char *", block))
  for index = 0, DIGEST / 4 - 1 do into[index] = bswap(state.words[index]) end
end

--- 32 bytes of PBKDF2; `pause` is called after each slice.
function M.derive(password, salt, iterations, pause)
  local key = #password > BLOCK and digest.sha256(password) or password
  local inner, outer, state = begun(key, 0x36), begun(key, 0x5c), ffi.new "kapal_sha256_t"
  local block, sum = block_for_digest(), ffi.new("uint32_t[?]", DIGEST / 4)
  ffi.copy(block, digest.hmac_sha256(key, salt .. "\0\0\0\1"), DIGEST)
  ffi.copy(sum, block, DIGEST)
  for iteration = 2, iterations do
    hash(state, inner, block, block)
    hash(state, outer, block, block)
    for index = 0, DIGEST / 4 - 1 do sum[index] = bxor(sum[index], block[index]) end
    if iteration % SLICE == 0 then pause() end
  end
  return ffi.string(sum, DIGEST)
end

return M
