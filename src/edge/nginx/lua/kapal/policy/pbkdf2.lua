-- Runs in a thread of its own (ngx.run_worker_thread), in a Lua that knows nothing of nginx: tens of milliseconds of hashing must not stop a
-- worker that serves others meanwhile.

local ffi = require("ffi")

ffi.cdef([[
  typedef struct evp_md_st EVP_MD;
  const EVP_MD *EVP_sha256(void);
  int PKCS5_PBKDF2_HMAC(const char *pass, int passlen, const unsigned char *salt, int saltlen, int iter, const EVP_MD *digest, int keylen, unsigned char *out);
]])

local _M = {}

-- 32 bytes of PBKDF2-HMAC-SHA256 (RFC 8018); nil where libcrypto refuses.
function _M.derive(password, salt, iterations)
  local out = ffi.new("unsigned char[32]")
  local done = ffi.C.PKCS5_PBKDF2_HMAC(password, #password, salt, #salt, iterations, ffi.C.EVP_sha256(), 32, out)
  return done == 1 and ffi.string(out, 32) or nil
end

return _M
