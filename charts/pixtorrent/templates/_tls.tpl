{{/* Secret with the certificate of a part: (list $ PART). */}}
{{- define "pixtorrent.tlsSecret" -}}
{{- $root := index . 0 -}}
{{- default (printf "%s-%s-tls" (include "pixtorrent.fullname" $root) (index . 1)) $root.Values.tls.existingSecret -}}
{{- end -}}

{{- define "pixtorrent.tlsMount" -}}
- name: tls
  mountPath: /tls
  readOnly: true
{{- end -}}

{{/* (list $ PART) */}}
{{- define "pixtorrent.tlsVolume" -}}
- name: tls
  secret:
    secretName: {{ include "pixtorrent.tlsSecret" . }}
    # Read by the group of the pod alone.
    defaultMode: 288
{{- end -}}

{{/* The services by whose names a part is reached, one a line: (list $ PART). */}}
{{- define "pixtorrent.tlsServices" -}}
{{- $name := include "pixtorrent.fullname" (index . 0) -}}
{{- $part := index . 1 -}}
{{- if eq $part "peer-node" }}
{{ $name }}-content
{{ $name }}-peers
{{- else if eq $part "metrics" }}
{{ $name }}-metrics
{{ $name }}-reports
{{- else }}
{{ $name }}-{{ $part }}
{{- end }}
{{- end -}}

{{/* What a part is certified for, as a list in YAML: (list $ PART). */}}
{{- define "pixtorrent.tlsNames" -}}
{{- $namespace := (index . 0).Release.Namespace -}}
{{- range include "pixtorrent.tlsServices" . | trim | splitList "\n" }}
- {{ . }}
- {{ . }}.{{ $namespace }}
- {{ . }}.{{ $namespace }}.svc
- {{ . }}.{{ $namespace }}.svc.cluster.local
{{- end }}
- {{ include "pixtorrent.fullname" (index . 0) }}
- localhost
{{- end -}}
