-- SHA-256 and HMAC by the libcrypto that nginx itself is linked with.
local ffi = require "ffi"

ffi.cdef [[
unsigned char *SHA256(const unsigned char *data, size_t length, unsigned char *digest);
typedef struct evp_md_st EVP_MD;
const EVP_MD *EVP_sha256(void);
unsigned char *HMAC(const EVP_MD *md, const void *key, int key_length, const unsigned char *data, size_t length,
  unsigned char *digest, unsigned int *digest_length);
]]

local C = ffi.C
local out = ffi.new "unsigned char[32]"
local out_length = ffi.new "unsigned int[1]"

local M = {}

--- 32 bytes.
function M.sha256(text)
  C.SHA256(text, #text, out)
  return ffi.string(out, 32)
end

--- 32 bytes.
function M.hmac_sha256(key, text)
  C.HMAC(C.EVP_sha256(), key, #key, text, #text, out, out_length)
  return ffi.string(out, 32)
end

--- Lower-case hex of the first `count` bytes, of all unless told.
function M.hex(bytes, count)
  return (string.gsub(string.sub(bytes, 1, count or -1), ".", function(byte)
    return string.format("%02x", string.byte(byte))
  end))
end

--- The bytes of a hex text.
function M.unhex(hex)
  return (string.gsub(hex, "%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

return M
