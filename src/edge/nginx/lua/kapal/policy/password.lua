-- Basic authentication (RFC 7617) against PBKDF2 digests. What was accepted is remembered in the worker's memory by a digest, so that only
-- the first request of a visitor costs the hashing; a wrong password costs it each time, as does an unknown name.

local derivations = require("kapal.policy.derivations")
local digest = require("kapal.digest")
local ffi = require("ffi")
local lrucache = require("resty.lrucache")

ffi.cdef([[
  int CRYPTO_memcmp(const void *a, const void *b, size_t len);
  int RAND_bytes(unsigned char *buf, int num);
]])

local _M = {}

local REMEMBERED = 4096
local SECONDS = 300
-- nginx's heads are smaller; hashing must not be fed at will.
local LONGEST = 4096

local accepted = assert(lrucache.new(REMEMBERED))
local random = ffi.new("unsigned char[32]")
-- Who reads this worker's memory still cannot look the digests up in a table.
local pepper

-- Users by name, and one that nobody is, as dear as the dearest: whether a name exists is not to be told by time.
function _M.compile(auth)
  local users, iterations = {}, 1
  for _, user in ipairs(auth.users) do
    users[user.name] = { salt = digest.unhex(user.salt), iterations = user.iterations, digest = digest.unhex(user.digest) }
    iterations = math.max(iterations, user.iterations)
  end
  local realm = string.gsub(auth.realm, '[\\"]', "\\%0")
  return {
    users = users,
    nobody = { salt = string.rep("\0", 16), iterations = iterations, digest = string.rep("\0", 32), nobody = true },
    challenge = 'Basic realm="' .. realm .. '", charset="UTF-8"',
  }
end

local function credentials(field)
  local token = field and #field <= LONGEST and string.match(field, "^[Bb][Aa][Ss][Ii][Cc] +([%w+/=]+) *$")
  local text = token and ngx.decode_base64(token)
  if not text then return nil end
  return string.match(text, "^([^:]*):(.*)$")
end

local function isRight(user, password, key)
  local derived = derivations.derive(key, password, user.salt, user.iterations)
  if not derived then return nil end
  return ffi.C.CRYPTO_memcmp(derived, user.digest, 32) == 0 and not user.nobody
end

-- nil where the request may go on; else the status that it gets: 401, or 503 where more passwords are being checked than the machine can.
function _M.check(compiled)
  local field = ngx.req.get_headers(0)["authorization"]
  if type(field) == "table" then return 401 end
  local name, password = credentials(field)
  if not name then return 401 end
  if not pepper then
    ffi.C.RAND_bytes(random, 32)
    pepper = ffi.string(random, 32)
  end
  local user = compiled.users[name] or compiled.nobody
  local key = digest.sha256(pepper .. user.digest .. user.salt .. field)
  if accepted:get(key) then return nil end
  local right = isRight(user, password, key)
  if right == nil then return 503 end
  if not right then return 401 end
  accepted:set(key, true, SECONDS)
  return nil
end

return _M
