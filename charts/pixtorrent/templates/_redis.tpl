{{/* Secret with the password, where there is one. */}}
{{- define "pixtorrent.redisSecret" -}}
{{- if eq .Values.redis.mode "internal" -}}
{{- default (printf "%s-redis" (include "pixtorrent.fullname" .)) .Values.redis.auth.existingSecret -}}
{{- else if eq .Values.redis.mode "external" -}}
{{- .Values.redis.external.existingSecret -}}
{{- end -}}
{{- end -}}

{{- define "pixtorrent.redisPasswordKey" -}}
{{- ternary .Values.redis.auth.passwordKey .Values.redis.external.passwordKey (eq .Values.redis.mode "internal") -}}
{{- end -}}

{{/* What a tracker is told of it. */}}
{{- define "pixtorrent.redisEnv" -}}
{{- $external := .Values.redis.external -}}
{{- if eq .Values.redis.mode "none" }}
- name: TRACKER_STORE
  value: memory
{{- else }}
- name: TRACKER_STORE
  value: redis
{{- if eq .Values.redis.mode "internal" }}
- name: REDIS_URL
  value: redis://{{ include "pixtorrent.fullname" . }}-redis:6379
{{- if .Values.tls.enabled }}
- name: REDIS_TLS
  value: "true"
- name: REDIS_TLS_CA_FILE
  value: /tls/ca.crt
{{- end }}
{{- else }}
{{- with $external.url }}
- name: REDIS_URL
  value: {{ . | quote }}
{{- end }}
{{- with $external.sentinels }}
- name: REDIS_SENTINELS
  value: {{ join "," . | quote }}
- name: REDIS_SENTINEL_NAME
  value: {{ $external.sentinelName | quote }}
{{- end }}
{{- with $external.cluster }}
- name: REDIS_CLUSTER
  value: {{ join "," . | quote }}
{{- end }}
{{- with $external.username }}
- name: REDIS_USERNAME
  value: {{ . | quote }}
{{- end }}
{{- with $external.sentinelPasswordKey }}
- name: REDIS_SENTINEL_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $external.existingSecret }}
      key: {{ . }}
{{- end }}
{{- if $external.tls.enabled }}
- name: REDIS_TLS
  value: "true"
{{- end }}
{{- if $external.tls.caSecret }}
- name: REDIS_TLS_CA_FILE
  value: /redis-tls/ca.crt
{{- end }}
{{- end }}
{{- with include "pixtorrent.redisSecret" . }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: {{ include "pixtorrent.redisPasswordKey" $ }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "pixtorrent.redisConf" -}}
dir /data
maxmemory {{ .Values.redis.maxMemory }}
maxmemory-policy noeviction
save ""
appendonly {{ ternary "yes" "no" .Values.redis.persistence.enabled }}
appendfsync everysec
{{- if .Values.tls.enabled }}
port 0
tls-port 6379
tls-cert-file /tls/tls.crt
tls-key-file /tls/tls.key
tls-ca-cert-file /tls/ca.crt
# Who calls shows the password.
tls-auth-clients no
{{- end }}
{{- end -}}

{{/* Redis reads a certificate when it starts, and when it is told to. */}}
{{- define "pixtorrent.redisReady" -}}
{{- if .Values.tls.enabled -}}
set -e
redis() { redis-cli --tls --cacert /tls/ca.crt "$@"; }
[ -e /tmp/certificate ] || touch /tmp/certificate
if [ /tls/tls.crt -nt /tmp/certificate ]; then
  touch /tmp/certificate
  redis config set tls-cert-file /tls/tls.crt tls-key-file /tls/tls.key tls-ca-cert-file /tls/ca.crt
fi
[ "$(redis ping)" = PONG ]
{{- else -}}
[ "$(redis-cli ping)" = PONG ]
{{- end }}
{{- end -}}
