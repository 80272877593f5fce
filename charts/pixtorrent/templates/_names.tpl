{{/* What is installed begins with this: RELEASE-pixtorrent, or RELEASE where that says it already. */}}
{{- define "pixtorrent.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels by which pods are selected; (list $ COMPONENT), or (list $ "") for all parts. */}}
{{- define "pixtorrent.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- with index . 1 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* Labels of what is installed; (list $ COMPONENT). */}}
{{- define "pixtorrent.labels" -}}
{{- $root := index . 0 -}}
{{ include "pixtorrent.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/part-of: pixtorrent
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The head of everything: (list $ COMPONENT NAME). */}}
{{- define "pixtorrent.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "pixtorrent.labels" (list $root (index . 1)) | nindent 2 }}
{{- end -}}

{{/* (list $ IMAGE) */}}
{{- define "pixtorrent.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $name := $image.repository -}}
{{- with $root.Values.image.registry -}}
{{- $name = printf "%s/%s" . $name -}}
{{- end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (coalesce $image.tag $root.Values.image.tag $root.Chart.AppVersion | toString) -}}
{{- end -}}
{{- end -}}

{{- define "pixtorrent.serviceAccount" -}}
{{- default (ternary (include "pixtorrent.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{/* The label of pods that may call what the release's own parts may. */}}
{{- define "pixtorrent.clientLabel" -}}
{{- printf "%s-client" (include "pixtorrent.fullname" .) -}}
{{- end -}}

{{/* Secret with `tokens` and `announce-key`. */}}
{{- define "pixtorrent.authSecret" -}}
{{- default (printf "%s-auth" (include "pixtorrent.fullname" .)) .Values.auth.existingSecret -}}
{{- end -}}

{{/* What a secret has already, in base64, else a new value: (list $ SECRET KEY). */}}
{{- define "pixtorrent.kept" -}}
{{- $root := index . 0 -}}
{{- $secret := lookup "v1" "Secret" $root.Release.Namespace (index . 1) | default dict -}}
{{- $data := $secret.data | default dict -}}
{{- index $data (index . 2) | default (randAlphaNum 40 | b64enc) -}}
{{- end -}}

{{/* Where content is announced by who is no node. */}}
{{- define "pixtorrent.announce" -}}
{{- if .Values.peerNode.announce -}}
{{- join "," .Values.peerNode.announce -}}
{{- else if eq .Values.tracker.announceKeys.for "none" -}}
{{- $host := printf "%s-tracker.%s.svc:6969" (include "pixtorrent.fullname" .) .Release.Namespace -}}
{{- printf "http://%s/announce,udp://%s" $host $host -}}
{{- end -}}
{{- end -}}

{{/* Nine tenths of a size of Kubernetes, as the service has sizes. */}}
{{- define "pixtorrent.diskBudget" -}}
{{- $mebibytes := dict "Mi" 1 "Gi" 1024 "Ti" 1048576 -}}
{{- $number := trimSuffix "i" . | trimSuffix "M" | trimSuffix "G" | trimSuffix "T" | int -}}
{{- $unit := regexFind "[MGT]i$" . -}}
{{- printf "%dMiB" (div (mul $number (index $mebibytes $unit) 9) 10) -}}
{{- end -}}
